#!/usr/bin/env python3
"""allocsim report as a reader sees it: headless Chromium opens the page and uses it.

usage: report_html_test.py ALLOCSIM SOURCE_ROOT BUILD_DIRECTORY

On a desktop and on a phone: nothing is asked of a network, no error is logged, sorting, filtering and
what opens work, nothing overflows, pictures are visible and legible. Screenshots are kept in
BUILD_DIRECTORY/report. Without Chromium, its driver or python3-selenium it is skipped, loudly.
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SKIPPED = 77
DEBIAN_PYTHON = "/usr/bin/python3" # python3-selenium belongs to it


def skip(why):
    print(f"\n*** SKIPPED: {why}\n*** apt-get install chromium chromium-driver python3-selenium\n",
          file=sys.stderr)
    sys.exit(SKIPPED)


try:
    from selenium import webdriver
    from selenium.common.exceptions import WebDriverException
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
except ImportError:
    if os.path.realpath(sys.executable) != os.path.realpath(DEBIAN_PYTHON) and \
            os.access(DEBIAN_PYTHON, os.X_OK):
        os.execv(DEBIAN_PYTHON, [DEBIAN_PYTHON, *sys.argv])
    skip("selenium for Python is not installed")

import report_html_rig as rig

SECONDS = 540
failures = []


def check(what, condition, detail=""):
    if not condition:
        failures.append(what)
        print(f"FAILED: {what}\n{detail}", file=sys.stderr)


class Browser:
    """Chromium with a profile of its own; the driver and what it started are ended by their group."""

    def __init__(self, work, width, height, dark=False, mobile=False):
        self.profile = tempfile.mkdtemp(prefix="profile-", dir=work)
        options = Options()
        options.binary_location = shutil.which("chromium")
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
                         "--disable-dev-shm-usage", "--disable-background-networking",
                         "--disable-component-update", "--disable-sync", "--disable-extensions",
                         "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
                         f"--user-data-dir={self.profile}", f"--window-size={width},{height}"):
            options.add_argument(argument)
        if dark:
            options.add_argument("--blink-settings=preferredColorScheme=0")
        if mobile:
            options.add_experimental_option("mobileEmulation", {"deviceMetrics": {
                "width": width, "height": height, "pixelRatio": 2.0, "touch": True}})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        service = Service(shutil.which("chromedriver"),
                          env={**os.environ, "HOME": work},
                          popen_kw={"start_new_session": True})
        self.driver = webdriver.Chrome(options=options, service=service)
        self.group = service.process.pid
        self.driver.set_page_load_timeout(60)
        self.driver.set_script_timeout(60)

    def close(self):
        try:
            self.driver.quit()
        except WebDriverException as error:
            print(f"the browser doesn't quit: {error}", file=sys.stderr)
        try:
            os.killpg(self.group, signal.SIGKILL)
        except ProcessLookupError:
            pass
        for _ in range(20): # it writes to its profile until it has ended
            shutil.rmtree(self.profile, ignore_errors=True)
            if not os.path.exists(self.profile):
                break
            time.sleep(.1)

    def js(self, script, *arguments):
        return self.driver.execute_script(f"return {script}", *arguments)

    def requests(self):
        """Addresses that the page asked for."""
        found = []
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                found.append(message["params"]["request"]["url"])
        return found

    def column(self, number, rows="tbody tr:not(.note)"):
        return self.js(f"[...document.querySelectorAll('#table {rows}')]"
                       ".map(row => row.cells[arguments[0]].textContent)", number)

    def heads(self):
        return self.js("[...document.querySelectorAll('#table thead th .label')]"
                       ".map(head => head.textContent)")

    def head(self, name):
        number = self.heads().index(name)
        button = self.driver.find_elements(By.CSS_SELECTOR, "#table thead button")[number]
        self.js("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", button)
        return number, button

    def filter(self, text, shown):
        field = self.driver.find_element(By.ID, "filter")
        field.send_keys(Keys.CONTROL, "a")
        field.send_keys(Keys.DELETE, text)
        until = time.monotonic() + 10
        while time.monotonic() < until:
            if self.js("document.getElementById('shown').textContent") == shown:
                return True
            time.sleep(.05)
        return False


def open_page(browser, page):
    browser.driver.get("about:blank") # and no longer what a new window shows
    browser.requests()
    began = time.monotonic()
    browser.driver.get(page.as_uri())
    seconds = time.monotonic() - began
    asked = {url for url in browser.requests() if not url.startswith("data:")}
    check(f"{page.name}: no request but for the page", asked == {page.as_uri()}, asked)
    check(f"{page.name}: no resource", browser.js("performance.getEntriesByType('resource').length")
          == 0)
    return seconds


def check_silent(browser, what):
    log = browser.driver.get_log("browser")
    check(f"{what}: nothing on the console", log == [], log)


def check_policy(browser):
    """The page can't load anything, even if something got into it."""
    blocked = browser.driver.execute_async_script("""
        const done = arguments[0], found = [];
        document.addEventListener("securitypolicyviolation", e => found.push(e.blockedURI));
        const picture = document.createElement("img");
        picture.src = "http://127.0.0.1:9/x.png";
        document.body.append(picture);
        fetch("http://127.0.0.1:9/y").catch(() => 0).then(() =>
            setTimeout(() => { picture.remove(); done(found); }, 200));""")
    check("the policy forbids pictures and fetch", len(blocked) == 2, blocked)
    browser.driver.get_log("browser") # it says so


def check_sorting(browser):
    number, button = browser.head("pcp.batch_pages")
    before = browser.column(0)
    button.click()
    up = [int(text) for text in browser.column(number)]
    check("a click sorts by value", up == sorted(up) and up[-1] == 10, up)
    check("aria-sort ascending", browser.js("document.querySelectorAll('#table th')[arguments[0]]"
                                            ".getAttribute('aria-sort')", number) == "ascending")
    button.send_keys(Keys.ENTER)
    down = [int(text) for text in browser.column(number)]
    check("a key reverses", down == sorted(down, reverse=True) and down[0] == 10, down)
    check("one column is sorted by", browser.js("[...document.querySelectorAll('[aria-sort]')]"
                                                ".map(e => e.ariaSort)") == ["descending"])
    number, button = browser.head("totals.simulated_ns")
    button.click()
    texts = browser.column(number)
    # 20.01 us after 3 us, as numbers; empty cells last
    check("units don't matter to the order", texts[0] == "1.5 us" and texts[-1] == "" and
          texts.index("3 us") < texts.index("12 us") < texts.index("30 us"), texts)
    button.click()
    check("nothing stays last", browser.column(number)[-1] == "")
    check("the failed point's note follows its row",
          browser.js("document.querySelector('#table tr.note').previousElementSibling.className")
          == "failed")
    _, button = browser.head("point")
    button.click()
    check("points are in order again", browser.column(0) == before)


def check_filter(browser):
    check("a word filters", browser.filter("boot", "20 of 40 points"))
    check("only such rows", set(browser.column(browser.heads().index("trace"))) == {"boot"})
    check("words add up", browser.filter("boot batch_pages=10", "4 of 40 points"))
    check("by state", browser.filter("state=failed", "1 of 40 points"))
    check("by what a run said", browser.filter("zone normal", "1 of 40 points"))
    check("nothing", browser.filter("nowhere", "0 of 40 points"))
    check("all", browser.filter("", "40 points"))


def check_details(browser):
    for selector, words in (("#table tr.note", "zone Normal: 5 lists"),
                            ("#configuration", "memory: 24GiB")):
        holder = browser.driver.find_element(By.CSS_SELECTOR, selector)
        check(f"{selector} is closed", words not in holder.text)
        summary = holder.find_element(By.TAG_NAME, "summary")
        browser.js("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", summary)
        summary.click()
        check(f"{selector} opens", words in holder.text, holder.text)
    check("its command is there", "--points 26 --retry-failed" in
          browser.driver.find_element(By.CSS_SELECTOR, "tr.note .command").text)


def check_layout(browser, what, width):
    wide = browser.js("""[...document.querySelectorAll('body *')].filter(e =>
        !e.closest('.scroll, .plot, .skip, pre') && e.getBoundingClientRect().right >
        document.documentElement.clientWidth + 1).map(e => e.outerHTML.slice(0, 80))""")
    check(f"{what}: nothing is wider than the page", wide == [], wide)
    check(f"{what}: no horizontal scrolling",
          browser.js("document.documentElement.scrollWidth") <= width)
    sizes = browser.js("""[...document.querySelectorAll('.plot svg')].map(svg => {
        const box = svg.getBoundingClientRect(), scale = box.width / svg.viewBox.baseVal.width;
        const texts = [...svg.querySelectorAll('text')].filter(t => t.textContent.trim());
        const fonts = texts.map(t => scale * parseFloat(getComputedStyle(
            t.querySelector('[font-size]') || t.closest('[font-size]') || t).fontSize));
        return [box.width, box.height, texts.length, Math.min(...fonts)];
    })""")
    check(f"{what}: pictures are visible, their text is legible", len(sizes) == 1 and all(
        w > 200 and h > 100 and texts > 10 and font >= 9 for w, h, texts, font in sizes), sizes)
    print(f"{what}: pictures (width, height, texts, least font): {sizes}")


def screenshot(browser, path, height=None):
    """@height: of the whole window, for as much of the page."""
    if height:
        size = browser.driver.get_window_size()
        browser.driver.set_window_size(size["width"], height)
        time.sleep(.3)
    browser.driver.save_screenshot(str(path))


def on_desktop(work, page, shots):
    browser = Browser(work, 1280, 900)
    try:
        open_page(browser, page)
        check_layout(browser, "desktop", 1280)
        screenshot(browser, shots / "desktop.png", 2300)
        browser.driver.set_window_size(1280, 900)
        check_sorting(browser)
        check_filter(browser)
        check_details(browser)
        browser.js("document.querySelector('tr.note')"
                   ".scrollIntoView({block: 'center', behavior: 'instant'})")
        screenshot(browser, shots / "failed.png")
        check_silent(browser, "desktop")
        check_policy(browser)
    finally:
        browser.close()


def on_phone(work, page, shots):
    browser = Browser(work, 390, 844, dark=True, mobile=True)
    try:
        open_page(browser, page)
        check("the phone is 390 wide", browser.js("innerWidth") == 390)
        check_layout(browser, "phone", 390)
        screenshot(browser, shots / "phone.png")
        for number, selector in enumerate(("#plots", "#points", "#configuration"), 2):
            browser.js(f"document.querySelector('{selector}').scrollIntoView("
                       "{behavior: 'instant'})")
            time.sleep(.2)
            screenshot(browser, shots / f"phone{number}.png")
        check("dark colours", browser.js("getComputedStyle(document.body).backgroundColor")
              == "rgb(21, 23, 26)")
        check_details(browser)
        check("the table scrolls in its box", browser.js(
            "(b => b.scrollWidth > b.clientWidth)(document.querySelector('#points .scroll'))"))
        check_layout(browser, "phone, opened", 390)
        check_silent(browser, "phone")
    finally:
        browser.close()


def on_large(work, page):
    browser = Browser(work, 1280, 900)
    try:
        seconds = open_page(browser, page)
        check("200 rows at first", len(browser.column(0)) == 200)
        began = time.monotonic()
        number, button = browser.head("pcp.batch_pages")
        button.click()
        button.click()
        sorting = time.monotonic() - began
        check("the largest first", browser.column(number)[0] == "100", browser.column(number)[:5])
        check("filter", browser.filter("state=failed", "104 of 10,000 points"))
        check("rows made late have their notes",
              browser.js("document.querySelectorAll('#table tr.note').length") == 104)
        check("all again", browser.filter("", "10,000 points"))
        browser.js("document.getElementById('more').click()")
        check("more rows", len(browser.column(0)) == 1200)
        check_silent(browser, "large")
        check("it is fast enough", seconds < 20 and sorting < 20, (seconds, sorting))
        print(f"10,000 points: {page.stat().st_size / 1e6:.2f} MB, opened in {seconds:.2f} s, "
              f"sorted twice in {sorting:.2f} s")
    finally:
        browser.close()


def on_hostile(work, page):
    browser = Browser(work, 1280, 900)
    try:
        open_page(browser, page)
        check("names are texts", set(browser.column(browser.heads().index("trace")))
              == set(rig.HOSTILE))
        browser.js("document.getElementById('more').click()")
        check("all rows are there", len(browser.column(0)) == 36 * len(rig.HOSTILE))
        check("no element came in", browser.js("document.querySelectorAll('img, svg[onload], "
                                               "[onerror], [onmouseover]').length") == 0)
        check_silent(browser, "hostile")
    finally:
        browser.close()


def main():
    allocsim, shots = str(Path(sys.argv[1]).resolve()), Path(sys.argv[3]).resolve() / "report"
    for program in ("chromium", "chromedriver"):
        if not shutil.which(program):
            skip(f"{program} is not installed")
    signal.alarm(SECONDS)
    shots.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="allocsim-browser-", ignore_cleanup_errors=True) as work:
        pages = {}
        for name, make, *options in (("ordinary", rig.ordinary), ("hostile", rig.hostile),
                                     ("large", rig.large, "--no-plots")):
            make(Path(work) / name)
            pages[name] = Path(work) / f"{name}.html"
            subprocess.run([allocsim, "report", name, *options, "-q", "-o", f"{name}.html"],
                           cwd=work, check=True)
        on_desktop(work, pages["ordinary"], shots)
        on_phone(work, pages["ordinary"], shots)
        on_hostile(work, pages["hostile"])
        on_large(work, pages["large"])
    print(f"{len(failures)} failed" if failures else "ok")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
