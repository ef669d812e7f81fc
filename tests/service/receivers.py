"""Receivers of notifications on this machine, which say what a test wants them to."""

import base64
import http.server
import json
import socket
import ssl
import subprocess
import threading
import time


class Web:
    """An HTTP receiver. `answers` are given in turn, the last for ever: a status, or (status, headers); None: nothing is ever said."""

    def __init__(self, *answers):
        self.answers, self.got, self.count = list(answers or [204]), [], 0
        self.lock = threading.Lock()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers['Content-Length']))
                with outer.lock:
                    answer = outer.answers[min(outer.count, len(outer.answers) - 1)]
                    outer.count += 1
                    outer.got.append((self.path, self.headers, body, time.monotonic(), answer))
                if answer is None:
                    time.sleep(60)
                    return
                status, headers = answer if isinstance(answer, tuple) else (answer, {})
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header('Content-Length', '0')
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, path='/hook', host='127.0.0.1'):
        return f'http://{host}:{self.port}{path}'

    def bodies(self, accepted=False):
        with self.lock:
            return [json.loads(body) for _, _, body, _, answer in self.got if not accepted or answer in (200, 204)]

    def wait(self, count, limit=30, accepted=False):
        end = time.monotonic() + limit
        while time.monotonic() < end:
            if len(self.bodies(accepted)) >= count:
                return self.bodies(accepted)
            time.sleep(0.05)
        raise AssertionError(f'{len(self.bodies(accepted))} messages came, not {count}: {self.bodies()}')


def certificate(folder):
    """A certificate for this machine and its key; None without openssl."""
    key, cert = folder / 'key.pem', folder / 'cert.pem'
    try:
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, '-days', '2',
            '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return key, cert


class Mail:
    """An SMTP server for one conversation at a time. `data_answers` are given to messages in turn."""

    def __init__(self, pair=None, data_answers=('250 ok',)):
        self.pair, self.data_answers = pair, list(data_answers)
        self.messages, self.logins, self.lines = [], [], []
        self.socket = socket.create_server(('127.0.0.1', 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            connection, _ = self.socket.accept()
            try:
                self.talk(connection)
            except (OSError, ssl.SSLError):
                pass
            finally:
                connection.close()

    def talk(self, c):
        secure, to, sender = False, [], None
        f = c.makefile('rwb')

        def say(text):
            f.write(text.encode() + b'\r\n')
            f.flush()

        say('220 fake')
        while True:
            line = f.readline().decode().rstrip('\r\n')
            if not line:
                return
            self.lines.append(line)
            word = line.split(' ')[0].upper()
            if word == 'EHLO':
                names = ['fake'] + (['STARTTLS'] if self.pair and not secure else []) + ['AUTH PLAIN']
                for name in names[:-1]:
                    say('250-' + name)
                say('250 ' + names[-1])
            elif word == 'STARTTLS':
                say('220 go on')
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(self.pair[1], self.pair[0])
                c = context.wrap_socket(c, server_side=True)
                f, secure = c.makefile('rwb'), True
            elif word == 'AUTH':
                text = line.split(' ')[2] if len(line.split(' ')) > 2 else None
                if text is None:
                    say('334 ')
                    text = f.readline().decode().strip()
                self.logins.append((secure, base64.b64decode(text).split(b'\0')[1:]))
                say('235 welcome')
            elif word == 'MAIL':
                sender = line
                say('250 ok')
            elif word == 'RCPT':
                to.append(line)
                say('250 ok')
            elif word == 'DATA':
                say('354 go on')
                text = b''
                while not text.endswith(b'\r\n.\r\n'):
                    text += f.readline()
                answer = self.data_answers.pop(0) if len(self.data_answers) > 1 else self.data_answers[0]
                if answer.startswith('2'):
                    self.messages.append((sender, to, text[:-5]))
                say(answer)
                to = []
            elif word == 'QUIT':
                say('221 bye')
                return
            else:
                say('500 what?')

    def wait(self, count, limit=30):
        end = time.monotonic() + limit
        while len(self.messages) < count:
            assert time.monotonic() < end, (self.messages, self.lines)
            time.sleep(0.05)
        return self.messages
