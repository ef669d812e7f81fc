"""The page in Firefox: from the introduction to the restored file, and all views."""

import os
import shutil
import time
from pathlib import Path

import kit
import pytest
from marionette import Firefox

BUILD = Path(os.environ.get('TA_BUILD', Path(__file__).resolve().parents[2] / 'build'))
WATCH = '''window.told = []; addEventListener("error", (e) => told.push(e.message)); addEventListener("unhandledrejection", (e) => told.push(String(e.reason)));
    addEventListener("securitypolicyviolation", (e) => told.push(e.violatedDirective));'''

LOADED = 'return !document.querySelector("main [aria-busy=true]") && ![...document.querySelectorAll("main p")].some((p) => p.textContent.startsWith("Loading"))'


def shows_all(firefox, condition):
    end = time.monotonic() + 60
    while not firefox.run(condition):
        assert time.monotonic() < end, condition
        time.sleep(0.1)


@pytest.fixture
def firefox(tmp_path):
    path = shutil.which('firefox') or shutil.which('firefox-esr')
    if not path:
        pytest.skip('firefox is not installed')
    folder = tmp_path / 'firefox'
    folder.mkdir()
    browser = Firefox(path, folder)
    yield browser
    browser.close()


def test_firefox(serve, firefox):
    service = serve()
    shutil.copy(kit.source('interlaced'), service.files / 'Christmas 1994.mkv')
    firefox.go(f'http://127.0.0.1:{service.port}/')
    firefox.run(WATCH)
    for button in ('Next', 'Next', 'Begin'):
        firefox.click('dialog button, [role=dialog] button', button)
    firefox.click('button', 'Look on this computer')
    end = time.monotonic() + 30
    while not firefox.run('return [...document.querySelectorAll("input[type=checkbox]")].some((e) => e.closest("[role=dialog], dialog"))'):
        firefox.click('dialog button, [role=dialog] button', str(service.files))  # of several roots
        assert time.monotonic() < end
    firefox.click('[role=dialog] input[type=checkbox], dialog input[type=checkbox]')
    firefox.click('button', 'Take it')
    firefox.find('.source .words .tag', limit=60)
    firefox.find('.preset-picture img', limit=120)
    firefox.picture(BUILD / 'page-pictures' / 'firefox-restore.png')
    firefox.click('button', 'Quick')
    firefox.click('button:enabled', 'Restore it')
    firefox.find('.job .badge.good, .job .badge.warn', limit=300)  # told by an event
    firefox.picture(BUILD / 'page-pictures' / 'firefox-queue.png')
    firefox.click('.job .job-name')
    firefox.find('.compare-pane img', limit=60)
    before = firefox.run('return document.querySelector(".frames output").textContent')
    firefox.type('.compare-frame', '.')
    end = time.monotonic() + 30
    while firefox.run('return document.querySelector(".frames output").textContent') == before:
        assert time.monotonic() < end, 'no frame on'
    shows_all(firefox, 'const all = [...document.querySelectorAll(".compare-pane img")]; return all.length === 2 && all.every((i) => i.complete && i.naturalWidth)')
    firefox.picture(BUILD / 'page-pictures' / 'firefox-result.png')
    for view in ('queue', 'performance', 'logs', 'system', 'settings'):
        firefox.click(f'nav a[href="#/{view}"]')
        firefox.find('h1')
        shows_all(firefox, LOADED)
        assert firefox.run('return document.documentElement.scrollWidth <= innerWidth'), view
        firefox.picture(BUILD / 'page-pictures' / f'firefox-{view}.png')
    assert firefox.run('return told') == [], 'the page told errors'
