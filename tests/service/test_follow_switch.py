"""gui_polling: off in the tuning file: the page asks, as it was before."""

import http.client


def headers_of(service, path):
    connection = http.client.HTTPConnection('127.0.0.1', service.port, timeout=30)
    connection.request('GET', path)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, answer.getheader('Location')


def test_the_page_is_told_how_to_follow(serve, tmp_path):
    service = serve()
    assert headers_of(service, '/') == (200, None)
    service.stop()
    config = tmp_path / '.config/terminalai'
    config.mkdir(parents=True)
    (config / 'tuning.yaml').write_text('version: 1\ngui_polling: off\n')
    service.start()
    assert headers_of(service, '/') == (302, '/?follow=before')
    assert headers_of(service, '/?follow=before')[0] == 200
    assert headers_of(service, '/api/v1/health')[0] == 200
