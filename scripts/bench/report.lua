-- SPDX-License-Identifier: GPL-2.0-or-later
-- What wrk has measured, as a line of JSON.

done = function(summary, latency, _)
   local failed = summary.errors.connect + summary.errors.read + summary.errors.write
   failed = failed + summary.errors.status + summary.errors.timeout
   io.write(string.format('{"rate": %.1f, "p50_us": %.0f, "p99_us": %.0f, "failed": %d}\n',
                          summary.requests * 1e6 / summary.duration, latency:percentile(50),
                          latency:percentile(99), failed))
end
