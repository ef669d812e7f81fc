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
    result = program(*shlex.split(line)[1:], '--version', code=0)
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
    assert len(kinds) > 20 and len(errors) == 17
    rows = [f'| `{code}` | {severity.lower()} | {meaning} |' for code, severity, meaning in kinds]
    rows += [f'| `{code}` | {meaning} |' for meaning, code in errors]
    assert [row for row in rows if row not in text.splitlines()] == []
