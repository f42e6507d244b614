import { shellWord as quote } from '../../base/shell.ts';
import type { CommandRow, Offers, Table } from './table.ts';

/**
 * The script for bash, from 3.2 on: macOS has no newer one. Each candidate is a whole word; what readline takes for
 * the word's beginning (all up to `=` or `:`) is cut off at the end.
 */
export function bashScript({ options, commands }: Table): string {
  return `# bash completion for mam, made by: mam completion bash

# The candidates for a place: "COMMAND --OPTION" or "COMMAND POSITION". Fails if nothing is known.
_mam_offers() {
  case $1 in
${places(commands)}
  *) return 1 ;;
  esac
}

# Takes the candidates, one per line, that begin like the word.
_mam_take() {
  local candidate
  while IFS= read -r candidate; do
    # Quoted as it would be typed: a name may contain a blank.
    printf -v candidate %q "$prefix\${candidate%%$'\\t'*}"
    [[ $candidate != "$cur"* ]] || COMPREPLY+=("\${candidate#"$head"}")
  done
}

_mam_list() {
  _mam_take < <(printf '%s\\n' "$@")
}

# Any part of an id names a job: the only candidate that has the word in it.
_mam_part() {
  local candidate part=\${cur#"$prefix"} found=()
  while IFS= read -r candidate; do
    [[ \${candidate%%$'\\t'*} != *"$part"* ]] || found+=("$prefix\${candidate%%$'\\t'*}")
  done
  [[ \${#found[@]} != 1 ]] || COMPREPLY=("\${found[0]#"$head"}")
}

_mam_values() {
  local source=$1 offers
  if [[ \${cur#"$prefix"} == tmux:* && $source =~ ^(sessions|places)$ ]]; then
    source=sessions
    prefix+=tmux:
  fi
  compopt -o nosort 2>/dev/null
  offers=$(mam completion-values "$source" "$registry" 2>/dev/null)
  [[ -n $offers ]] || return 0
  _mam_take <<< "$offers"
  [[ \${#COMPREPLY[@]} != 0 || -z $cur || $source != *jobs && $source != places ]] || _mam_part <<< "$offers"
}

# readline's own completion, which knows ~ and quotes. An old bash offers files in both cases.
_mam_files() { compopt -o default 2>/dev/null; }
_mam_folders() { compopt -o dirnames 2>/dev/null; }

_mam() {
  local IFS=$' \\t\\n' words=(mam) line=\${COMP_LINE#*"\${COMP_WORDS[0]}"} last=0 word i
  COMPREPLY=()
  # readline splits at = and : as well: what has no blank before it belongs to the previous word.
  for ((i = 1; i <= COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if ((last == 0)) || [[ $line == [[:blank:]]* ]]; then
      words[++last]=
      line=\${line#"\${line%%[![:blank:]]*}"}
    fi
    words[last]+=$word
    line=\${line#"$word"}
  done
  local cur=\${words[last]} rest=\${words[last]} head= prefix= registry=
  [[ $COMP_WORDBREAKS != *=* ]] || rest=\${rest##*=}
  [[ $COMP_WORDBREAKS != *:* ]] || rest=\${rest##*:}
  head=\${cur%"$rest"}

  if ((last == 1)); then
    case $cur in
    -*) _mam_list ${options.map(({ name }) => name).join(' ')} ;;
    *) _mam_list ${commands.map(({ name }) => quote(name)).join(' ')} ;;
    esac
    return
  fi

  # The options of the command, those that take a value, and the position whose word may be repeated.
  local options= valued= many=0
  case \${words[1]} in
${commands.map(commandCase).join('\n')}
  *) return ;;
  esac

  local given=' ' expects= plain= position=1
  for ((i = 2; i < last; i++)); do
    word=\${words[i]}
    if [[ -n $expects ]]; then
      [[ $expects != --registry-dir ]] || registry=$word
      expects=
    elif [[ -n $plain || $word != -?* ]]; then
      ((position++))
    elif [[ $word == -- ]]; then
      plain=1
    else
      given+="\${word%%=*} "
      [[ $word != --registry-dir=* ]] || registry=\${word#*=}
      [[ " $valued " != *" $word "* ]] || expects=$word
    fi
  done
  ((many == 0 || position < many)) || position=$many

  if [[ -n $expects ]]; then
    _mam_offers "\${words[1]} $expects"
  elif [[ -z $plain && $cur == --*=* ]]; then
    prefix=\${cur%%=*}=
    _mam_offers "\${words[1]} \${cur%%=*}"
  elif [[ -z $plain && $cur == -* ]] || ! _mam_offers "\${words[1]} $position"; then
    [[ -z $plain ]] || return
    for word in $options; do
      [[ $given == *" $word "* ]] || _mam_list "$word"
    done
  fi
}

if type compopt >/dev/null 2>&1; then
  complete -F _mam mam
else
  complete -o default -F _mam mam
fi
`;
}

function commandCase({ name, options, words }: CommandRow): string {
  const many = words.findIndex((word) => word.many) + 1;
  const valued = options.filter(({ value }) => value !== undefined);
  const set = [
    `options=${quote(options.map((option) => option.name).join(' '))}`,
    ...(valued.length > 0 ? [`valued=${quote(valued.map((option) => option.name).join(' '))}`] : []),
    ...(many > 0 ? [`many=${many}`] : []),
  ];
  return `  ${quote(name)}) ${set.join(' ')} ;;`;
}

/** One case for all places that offer the same. */
function places(commands: CommandRow[]): string {
  const names = commands.map(({ name }) => name);
  const cases = new Map<string, string[]>();
  for (const { name, options, words } of commands) {
    const rows: [string, Offers | undefined][] = [
      ...options.map((option): [string, Offers | undefined] => [option.name, option.value?.offers]),
      ...words.map((word, index): [string, Offers | undefined] => [String(index + 1), word.offers]),
    ];
    for (const [place, offers] of rows) {
      if (offers === undefined) continue;
      const call = callOf(offers, names);
      cases.set(call, [...(cases.get(call) ?? []), quote(`${name} ${place}`)]);
    }
  }
  return [...cases].map(([call, patterns]) => `  ${patterns.join(' | ')}) ${call} ;;`).join('\n');
}

function callOf(offers: Offers, commands: string[]): string {
  switch (offers.from) {
    case 'list':
      return `_mam_list ${offers.values.map(quote).join(' ')}`;
    case 'commands':
      return `_mam_list ${commands.map(quote).join(' ')}`;
    case 'files':
    case 'folders':
      return `_mam_${offers.from}`;
    default:
      return `_mam_values ${offers.from}`;
  }
}
