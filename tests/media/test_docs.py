"""What the documentation says is what the program does."""

import re
import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / 'README.md').read_text()


def test_options_page_is_made_by_this_program(program):
    made = program('help', '--markdown', code=0).out
    assert (ROOT / 'docs' / 'options.md').read_text() == made, 'build/terminalai help --markdown > docs/options.md'


def command_lines():
    """Every line of README.md and docs/options.md that calls the program, as words."""
    text = README + (ROOT / 'docs' / 'options.md').read_text()
    lines = re.findall(r'^(?:    )?(terminalai [a-z]+.*)$', text, re.M)
    return sorted({re.split(r'\s[|>]\s|\s#\s', line)[0] for line in lines if '[OPTION' not in line})


def test_command_lines_are_found():
    assert len(command_lines()) > 15


@pytest.mark.parametrize('line', command_lines())
def test_command_line_is_understood(program, line):
    """--version ends a call once all that stands before it has been parsed and found good."""
    words = shlex.split(line)[1:]
    end = words.index('--') if '--' in words else len(words)  # what follows it is another's
    result = program(*words[:end], '--version', *words[end:], code=0)
    assert result.out.startswith('terminalai ')


def test_readme_names_real_options_and_commands(program):
    known = program('help', '--markdown', code=0).out
    for option in set(re.findall(r'(?<![\w-])--([a-z][a-z-]+)', README)) - {'cflags', 'libs'}:
        assert f'--{option}' in known, option
    for command in re.findall(r'^\| `([a-z]+)', README, re.M):
        program(command, '--help', code=0)


def test_links_lead_somewhere():
    for page in [ROOT / 'README.md', ROOT / 'CONTRIBUTING.md', *sorted((ROOT / 'docs').glob('*.md'))]:
        text = re.sub(r'```.*?```|`[^`\n]*`', '', page.read_text(), flags=re.S)
        for target in re.findall(r'\]\(([^)#\s]+)(?:#[^)]*)?\)', text):
            if not re.match(r'[a-z]+:', target):
                assert (page.parent / target).exists(), f'{page.name}: {target}'


def test_all_problems_are_listed():
    """docs/json.md has every code with the severity and the words of the tables that the program is made from."""
    text = (ROOT / 'docs' / 'json.md').read_text()
    kinds = re.findall(r'X\(\w+, "([^"]+)", (\w+),[\s\\]*"([^"]+)"\)', (ROOT / 'src' / 'base' / 'problem_list.h').read_text())
    errors = re.findall(r'X\(TA_ERR_\w+, -\d+, "([^"]+)",\s*"([^"]+)"\)', (ROOT / 'include' / 'terminalai' / 'error.h').read_text())
    assert len(kinds) > 20 and len(errors) == 18
    rows = [f'| `{code}` | {severity.lower()} | {meaning} |' for code, severity, meaning in kinds]
    rows += [f'| `{code}` | {meaning} |' for meaning, code in errors]
    assert [row for row in rows if row not in text.splitlines()] == []


# What is planned and named as such, and names that stand for any.
PLANNED = ('src/jobs', 'src/server', 'src/perf', 'src/audio', 'tests/server', 'tests/web', 'docs/deploy.md', 'docs/api.md')
PLACEHOLDERS = r'(^|/)(x|test_x|fuzz_x|NAME|RULE)(\.[a-z]+|_[a-z]+\.[a-z]+)?$|[*<>]|X'


def named_in_docs():
    for page in [ROOT / 'README.md', ROOT / 'CONTRIBUTING.md', *sorted((ROOT / 'docs').glob('*.md'))]:
        if page.name in ('options.md', 'json.md'):
            continue
        for name in re.findall(r'`([^`\n]+)`', re.sub(r'```.*?```', '', page.read_text(), flags=re.S)):
            yield page.name, name


def test_named_tests_exist():
    """What CONTRIBUTING picks by a word is not nothing."""
    words = re.findall(r'pytest (\S+) -k (\w+)', (ROOT / 'CONTRIBUTING.md').read_text())
    assert words
    for folder, word in words:
        assert any(word in p.name or re.search(rf'^def test_\w*{word}', p.read_text(), re.M) for p in (ROOT / folder).rglob('test_*.py')), word


def test_named_files_exist():
    """Files and folders of the sources that the pages for programmers speak of; a bare name may lie anywhere."""
    files = [p.relative_to(ROOT).as_posix() for top in ('src', 'include', 'tests', 'tools', 'bench', 'examples', 'docs', 'presets')
             for p in (ROOT / top).rglob('*')]
    missing = []
    for page, name in named_in_docs():
        path = name.split(' ')[0].rstrip('/')
        whole = re.match(r'(src|include|tests|tools|bench|examples|docs|presets)/', path)
        if not (whole or re.fullmatch(r'[\w/]+\.[ch]', path)) or re.search(PLACEHOLDERS, path) or path.startswith(PLANNED):
            continue
        if not any(f == path if whole else f == path or f.endswith('/' + path) for f in files):
            missing.append(f'{page}: {name}')
    assert missing == []


def test_named_functions_exist():
    text = '\n'.join(p.read_text() for top in ('src', 'include', 'tests/unit') for p in sorted((ROOT / top).rglob('*.[ch]')))
    known = set(re.findall(r'\bta_\w+', text))
    missing = [f'{page}: {name}' for page, name in named_in_docs()
               for function in re.findall(r'\bta_\w+(?=\(|$|;)', name) if function not in known and not function.endswith(('_thing', '_verb')) and '...' not in name and 'thing' not in function]
    assert missing == []


def test_container_has_what_setup_installs():
    text = (ROOT / 'setup.sh').read_text()
    wanted = " ".join(re.search(rf'apt-{group}\)\s+echo (.*?)(?:\n +)?;;', text, re.S)[1] for group in ("build", "page"))
    installed = re.search(r'--no-install-recommends \\\n(.*?)\nCOPY', (ROOT / 'Containerfile').read_text(), re.S)[1]
    assert sorted(installed.replace('\\', '').split()) == sorted(wanted.replace('\\', '').split())
