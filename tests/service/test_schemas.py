"""Answers are what the description of the API says of them."""

import shutil

import kit

QUICK = {'segment-length': '0.4', 'crf': 30, 'preset-speed': 'ultrafast'}


TYPES = {'object': dict, 'array': list, 'string': str, 'integer': int, 'number': (int, float), 'boolean': bool, 'null': type(None)}


def check(api, schema, value, where):
    """What of JSON Schema the description uses."""
    if '$ref' in schema:
        schema = api['components']['schemas'][schema['$ref'].rsplit('/', 1)[1]]
    types = schema.get('type', [])
    types = types if isinstance(types, list) else [types]
    fits = [t for t in types if isinstance(value, TYPES[t]) and (t == 'boolean') == isinstance(value, bool)]
    assert not types or fits, (where, types, value)
    assert value in schema.get('enum', [value]), (where, value)
    if isinstance(value, dict):
        for name in schema.get('required', []):
            assert name in value, (where, name)
        for name, inner in value.items():
            rest = schema.get('additionalProperties', True)
            if name in schema.get('properties', {}) or isinstance(rest, dict):
                check(api, schema.get('properties', {}).get(name, rest), inner, f'{where}.{name}')
            assert name in schema.get('properties', {}) or rest is not False, (where, name)
    for i, inner in enumerate(value if isinstance(value, list) else []):
        check(api, schema.get('items', {}), inner, f'{where}[{i}]')


def test_answers(serve, tmp_path):
    config, folder = tmp_path / 'config.yaml', tmp_path / 'in'
    folder.mkdir()
    config.write_text(f"""
watch:
  - path: {folder}
  - path: {tmp_path / 'missing'}
notify:
  - {{name: none, kind: webhook, address: "http://127.0.0.1:9/", private: yes}}
""")
    service = serve('--config', config)
    shutil.copy(kit.source('interlaced'), service.files / 'tape.mkv')
    job = service.submit('tape.mkv', options=QUICK)
    assert service.wait(job, 'done', 'failed')['state'] == 'done'
    api = service.ask('GET', '/api/v1/openapi.json')[1]
    assert service.ask('POST', '/api/v1/notifications/none/test')[0] == 202
    told = {}
    for path in ('health', 'system', 'logs', 'runs', 'alerts', 'folders', 'notifications', 'jobs', f'jobs/{job}', f'jobs/{job}/history', 'options',
            'presets', f'files?path={service.files}'):
        status, told[path] = service.ask('GET', f'/api/v1/{path}')
        assert status == 200, (path, told[path])
        route = '/api/v1/' + path.split('?')[0].replace(str(job), '{id}')
        schema = api['paths'][route]['get']['responses']['2XX']['content']['application/json']['schema']
        check(api, schema, told[path], path)
    assert [f['state'] for f in told['folders']['folders']] == ['watched', 'missing']
    assert [(e['name'], e['kind']) for e in told['notifications']['endpoints']] == [('none', 'webhook')]
    assert told['notifications']['notices'][0]['event'] == 'test'
    runs = told['runs']['runs']
    assert len(runs) == 1 and runs[0]['total_time_sec'] > 0 and runs[0]['exit_code'] == 0
    assert service.ask('GET', '/api/v1/runs?limit=0')[0] == 422
    assert told['system']['limits']['groups'] is False  # no limit was asked for
    # Of several files and lines that are torn the newest, in order.
    records = tmp_path / '.local/state/terminalai/performance_metrics.jsonl'
    shutil.copy(records, f'{records}.1')
    line = records.read_text(encoding='utf8')
    records.write_text(line.replace(runs[0]['run_id'], 'second') + '{"torn": \n' + line.replace(runs[0]['run_id'], 'third') + '{"half', encoding='utf8')
    assert [r['run_id'] for r in service.ask('GET', '/api/v1/runs')[1]['runs']] == [runs[0]['run_id'], 'second', 'third']
    assert [r['run_id'] for r in service.ask('GET', '/api/v1/runs?limit=2')[1]['runs']] == ['second', 'third']
