"""Firefox driven over its own protocol (Marionette: length, colon, JSON), as far as the walk of test_firefox.py needs it."""

import base64
import json
import socket
import subprocess
import time

ELEMENT = 'element-6066-11e4-a52e-4f735466cecf'  # how WebDriver calls a reference to an element


class Firefox:
    def __init__(self, path, folder):
        with socket.socket() as s:
            s.bind(('127.0.0.1', 0))
            port = s.getsockname()[1]
        profile = folder / 'profile'
        profile.mkdir()
        (profile / 'user.js').write_text(f'user_pref("marionette.port", {port});\n'
            'user_pref("intl.accept_languages", "en-GB");\nuser_pref("datareporting.policy.dataSubmissionEnabled", false);\n')
        self.process = subprocess.Popen([path, '--headless', '--marionette', '--no-remote', '--profile', str(profile)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={'HOME': str(folder), 'PATH': '/usr/bin:/bin', 'MOZ_HEADLESS_WIDTH': '1280',
            'MOZ_HEADLESS_HEIGHT': '900'})
        self.count = 0
        end = time.monotonic() + 60
        while True:
            try:
                self.socket = socket.create_connection(('127.0.0.1', port), timeout=60)
                break
            except OSError:
                assert self.process.poll() is None and time.monotonic() < end, 'firefox does not listen'
                time.sleep(0.2)
        self.file = self.socket.makefile('rb')
        self._receive()  # its greeting
        self.version = self.ask('WebDriver:NewSession', {})['capabilities']['browserVersion']

    def _receive(self):
        length = b''
        while (c := self.file.read(1)) != b':':
            assert c, 'firefox is gone'
            length += c
        return json.loads(self.file.read(int(length)))

    def ask(self, name, given):
        self.count += 1
        text = json.dumps([0, self.count, name, given]).encode()
        self.socket.sendall(b'%d:%s' % (len(text), text))
        _, number, error, result = self._receive()
        assert number == self.count and error is None, error
        return result

    def go(self, address):
        self.ask('WebDriver:Navigate', {'url': address})

    def run(self, script, *args):
        """What a function's body returns in the page."""
        return self.ask('WebDriver:ExecuteScript', {'script': script, 'args': list(args), 'newSandbox': False, 'sandbox': None})['value']

    def find(self, css, text='', limit=30):
        """An element that is seen, by a selector and what it says; waits for it."""
        script = '''return [...document.querySelectorAll(arguments[0])].find((e) => e.getClientRects().length &&
            (!arguments[1] || e.textContent.trim() === arguments[1] || e.getAttribute("aria-label") === arguments[1])) ?? null;'''
        end = time.monotonic() + limit
        while not (found := self.run(script, css, text)):
            assert time.monotonic() < end, f'not there: {css} {text}: ' + self.run('return document.body.innerText')[:2000]
            time.sleep(0.1)
        return found

    def click(self, css, text='', limit=30):
        element = self.find(css, text, limit)
        self.run('arguments[0].scrollIntoView({block: "center"})', element)
        self.ask('WebDriver:ElementClick', {'id': element[ELEMENT]})

    def type(self, css, keys):
        self.ask('WebDriver:ElementSendKeys', {'id': self.find(css)[ELEMENT], 'text': keys})

    def picture(self, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(self.ask('WebDriver:TakeScreenshot', {'full': False})['value']))

    def close(self):
        self.process.kill()
        self.process.wait()
        self.socket.close()
