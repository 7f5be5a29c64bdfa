#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Opens pages in a headless Chromium and tells what it saw. Runs inside a test's host, as its user would.

usage: visit.py DIRECTORY FILE URL...

Opens each URL in turn, and on each page clicks the link to FILE, which is to be downloaded into a
directory of that page's own. Prints a list in JSON: of each page its title, the texts of its links, and
where the download is. DIRECTORY, which exists, is for all that Chromium writes.
"""

import json
import os
import sys

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

DEADLINE = 20

# Without these Chromium wants a sandbox that root has not, a GPU, and its maker's servers.
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-breakpad",
    "--no-proxy-server",
]


def start_chromium(directory):
    """Start Chromium with a profile of its own in directory."""
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for argument in [*ARGUMENTS, f"--user-data-dir={directory}/profile"]:
        options.add_argument(argument)
    driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
    driver.set_page_load_timeout(DEADLINE)
    return driver


def download(driver, link, directory):
    """Click a link, and wait until what it leads to lies in directory, whole; return its path."""
    os.mkdir(directory)
    driver.execute_cdp_cmd("Page.setDownloadBehavior", {"behavior": "allow", "downloadPath": directory})
    path = os.path.join(directory, link.text)
    link.click()
    WebDriverWait(driver, DEADLINE, poll_frequency=0.05).until(lambda _: os.listdir(directory) == [link.text])
    return path


def visit(driver, url, file, directory):
    """Open url, read its listing, download file from it."""
    driver.get(url)
    links = driver.find_elements(By.TAG_NAME, "a")
    seen = {"title": driver.title, "links": [link.text for link in links]}
    (link,) = [link for link in links if link.text == file]
    seen["download"] = download(driver, link, directory)
    return seen


def main():
    """Visit all of the pages."""
    directory, file, *urls = sys.argv[1:]
    driver = start_chromium(directory)
    try:
        pages = [visit(driver, url, file, f"{directory}/downloads-{index}") for index, url in enumerate(urls)]
    finally:
        driver.quit()
    print(json.dumps(pages))


if __name__ == "__main__":
    main()
