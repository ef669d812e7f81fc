"""The options as data: what a page or an API knows of them, and the JSON Schema made of it."""

import json
import re

import pytest

TYPES = {'boolean': bool, 'integer': int, 'number': (int, float), 'string': str}


@pytest.fixture(scope='module')
def described(program):
    return {d['name']: d for d in json.loads(program('help', '--json', code=0).out)}


@pytest.fixture(scope='module')
def schema(program):
    return json.loads(program('help', '--schema', code=0).out)


def fits(schema, value):
    """Enough of JSON Schema for what the program writes: type, enum, pattern, minimum, maximum."""
    types = schema['type'] if isinstance(schema['type'], list) else [schema['type']]
    if not any(isinstance(value, TYPES[t]) and (t == 'boolean') == isinstance(value, bool) for t in types):
        return False
    if 'enum' in schema and value not in schema['enum']:
        return False
    if isinstance(value, str):
        return 'pattern' not in schema or re.search(schema['pattern'], value) is not None
    return schema.get('minimum', value) <= value <= schema.get('maximum', value)


def test_every_option_is_described(described, schema):
    assert schema['$schema'] == 'https://json-schema.org/draft/2020-12/schema'
    assert schema['type'] == 'object' and schema['additionalProperties'] is False
    assert list(schema['properties']) == list(described) and len(described) > 60
    for name, d in described.items():
        assert d['help'] and d['group'] and d['scope'] in ('recipe', 'run') and isinstance(d['advanced'], bool), name
        s = schema['properties'][name]
        known = {'type', 'description', 'default', 'enum', 'pattern', 'minimum', 'maximum', 'deprecated', 'x-terminalai'}
        assert set(s) <= known and s['description'] == d['help'], name
        # Nothing of the description is lost.
        rest = s['x-terminalai']
        for key, value in d.items():
            place = {'help': 'description', 'default': 'default'}.get(key)
            if key in ('min', 'max') and key not in rest:
                place = key + 'imum'
            if key == 'name' or value is None:
                continue
            assert (s[place] if place else rest[key]) == value, (name, key)


def test_defaults_fit(schema):
    for name, s in schema['properties'].items():
        if 'default' in s:
            assert fits(s, s['default']), (name, s)


def test_presets_fit(program, schema):
    for preset in program('presets', '--json').json():
        for name, value in preset['values'].items():
            assert fits(schema['properties'][name], value), (preset['name'], name, value)


@pytest.mark.parametrize('name, good, bad', [
    ('crf', [0, 18.5, 51], [-1, 51.1, '18', True]),
    ('jobs', [0, 512], [513, 1.5]),
    ('overwrite', [True], ['maybe', 1]),
    ('denoise', ['off', 'hqdn3d'], ['hqdn', 1]),
    ('denoise-strength', ['3:2:3:2', '.5:0:1e1:2', 'auto'], ['3:2:3', '3:2:3:2:1', '', 'a:b:c:d', 'autos']),
    ('denoise-motion-sigma-luma', ['auto', '2.5', 2.5], ['much', -1, 1000]),
    ('memory', ['2G', '1.5MiB', 1000], ['2X', -1]),
    ('resolution', ['1080p', 1080], [True]),
    ('encoder', ['auto'], [3]),
])
def test_values(program, schema, tmp_path, name, good, bad):
    """What the schema takes the program takes, and what it refuses the program refuses too."""
    s = schema['properties'][name]
    assert all(fits(s, value) for value in good) and not any(fits(s, value) for value in bad)
    source = tmp_path / 'none.avi'
    for value in good + [v for v in bad if isinstance(v, str) and v and not v.isdigit()]:
        text = {True: 'on', False: 'off'}.get(value, str(value)) if isinstance(value, bool) else str(value)
        more = {'denoise-strength': ['--denoise', 'hqdn3d'], 'denoise-motion-sigma-luma': ['--denoise', 'motion']}.get(name, [])
        # The file is not there: 1. A value that is refused is a wrong call: 2.
        done = program('restore', source, f'--{name}={text}', *more)
        assert done.code == (1 if value in good else 2), (value, done)


def test_what_an_option_is_for(described):
    assert described['denoise-strength']['applies_to'] == ['denoise.hqdn3d', 'denoise.recursive']
    assert described['denoise-strength']['depends'] == {'denoise': ['hqdn3d', 'recursive']}
    assert described['colour-saturation']['applies_to'] == ['colour.grade'] and 'depends' not in described['colour-saturation']
    assert described['crf']['depends'] == described['preset-speed']['depends'] == described['hardware']['depends']
    assert described['crf']['depends'] == {'encoder': ['auto', 'h264', 'hevc', 'av1']}
    assert described['jobs']['scope'] == 'run' and described['crf']['scope'] == 'recipe'
    for name, d in described.items():
        for other, values in d.get('depends', {}).items():
            choices = [c['name'] for c in described[other].get('choices', [])]
            assert values and (not choices or set(values) <= set(choices)), name
