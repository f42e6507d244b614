import { shellWord as quote } from '../../base/shell.ts';
import type { CommandRow, Offers, OptionRow, Table } from './table.ts';

/** The script for zsh: a file `_mam` of a folder in `fpath`, or evaluated after `compinit`. */
export function zshScript({ options, commands }: Table): string {
  return `#compdef mam
# zsh completion for mam, made by: mam completion zsh

_mam_commands() {
  local -a commands=(
${commands.map(({ name, summary }) => `    ${quote(described(name, summary))}`).join('\n')}
  )
  _describe -t commands command commands
}

# jobs, agents or sessions, as mam finds them now, in its order. _describe would group equal descriptions.
_mam_values() {
  local -a rows names shown expl
  local row width
  rows=(\${(f)"$(mam completion-values $1 "\${(Q)opt_args[--registry-dir]}" 2>/dev/null)"})
  names=("\${(@)rows%%$'\\t'*}")
  # The width of the longest name.
  width=\${#\${(@O)names//?/x}[1]}
  for row in $rows; do
    shown+=("\${(r:width:)row%%$'\\t'*}  -- \${row#*$'\\t'}")
  done
  # Any part of an id names a job.
  local -a matcher
  [[ $1 != *jobs && $1 != places ]] || matcher=(-M 'l:|=* r:|=*')
  [[ $1 != *sessions && $1 != places ]] || compset -P tmux:
  _wanted -V $1 expl \${1%s} compadd $matcher -l -d shown -a names
}

_mam() {
  local curcontext=$curcontext context state state_descr line
  local -A opt_args
  if ((CURRENT == 2)); then
    if [[ $PREFIX == -* ]]; then
      _arguments -S ${options.map((option) => quote(optionSpec(option))).join(' ')}
    else
      _mam_commands
    fi
    return
  fi
  local command=$words[2]
  shift words
  ((CURRENT--))
  curcontext=\${curcontext%:*:*}:mam-$command:
  case $command in
${commands.map(commandCase).join('\n')}
  esac
}

# The first time, a file in fpath is run as the function.
if [[ $funcstack[1] == _mam ]]; then
  _mam "$@"
else
  compdef _mam mam
fi
`;
}

function commandCase({ name, options, words }: CommandRow): string {
  const specs = [
    ...options.map(optionSpec),
    ...words.map(
      ({ name: word, offers, many }, index) => `${many ? '*' : index + 1}${valueSpec(word, offers)}`,
    ),
  ];
  return [`  ${quote(name)})`, ...specs.map((spec) => `      ${quote(spec)}`)]
    .join(' \\\n')
    .replace(') \\\n', ')\n    _arguments -S \\\n')
    .concat(' ;;');
}

function optionSpec({ name, about, value }: OptionRow): string {
  const text = `[${about.replace(/[\\[\]]/g, '\\$&')}]`;
  if (value === undefined) return `${name}${text}`;
  const optional = value.optional === true ? ':' : '';
  return `${name}=${text}${optional}${valueSpec(value.name, value.offers)}`;
}

function valueSpec(name: string, offers: Offers | undefined): string {
  return `:${name.replace(/[\\:]/g, '\\$&')}:${actionOf(offers)}`;
}

function actionOf(offers: Offers | undefined): string {
  if (offers === undefined) return ' ';
  switch (offers.from) {
    case 'list':
      return `(${offers.values.map((value) => value.replace(/[^\w.-]/g, '\\$&')).join(' ')})`;
    case 'commands':
      return '_mam_commands';
    case 'files':
      return '_files';
    case 'folders':
      return '_files -/';
    default:
      // In braces it gets no words of _arguments' own.
      return `{_mam_values ${offers.from}}`;
  }
}

function described(name: string, about: string): string {
  return `${name.replace(/[\\:]/g, '\\$&')}:${about.replaceAll('\\', '\\\\')}`;
}
