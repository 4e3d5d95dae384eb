/** `hardshell completion`: what a shell offers after `hardshell`; made of the commands themselves. */
import { command, COMMON, type Group, type Option, type Command } from './command.ts'
import { Misused } from './errors.ts'

const SHELLS = ['bash', 'zsh', 'fish'] as const

/** What may follow a command: its words and its options. */
const offersOf = ({ options, offers = [] }: Command): string[] => [
  ...offers,
  ...Object.keys({ ...options, ...COMMON }).map((name) => `--${name}`),
]

/** Every place at which something is offered: what stands before it, and what may follow. */
type Places = readonly (readonly [path: string, words: readonly string[]])[]

function placesOf(groups: Readonly<Record<string, Group | Command>>, others: readonly string[]): Places {
  return [
    ['', [...Object.keys(groups), ...others]],
    ...Object.entries(groups).flatMap(([name, of]) =>
      'commands' in of
        ? [
            [name, Object.keys(of.commands)] as const,
            ...Object.entries(of.commands).map(([each, command]) => [`${name} ${each}`, offersOf(command)] as const),
          ]
        : [[name, offersOf(of)] as const],
    ),
  ]
}

/** A function of bash that looks at the first two words; zsh runs it too. */
function bash(places: Places): string {
  const groups = new Set(places.flatMap(([path]) => (path.includes(' ') ? [path.split(' ')[0]] : [])))
  const cases = places.map(([path, words]) => `    '${path}') words='${words.join(' ')}' ;;`)
  return `_hardshell() {
  local word="\${COMP_WORDS[COMP_CWORD]}" path='' words=''
  if [ "$COMP_CWORD" -ge 2 ]; then path="\${COMP_WORDS[1]}"; fi
  if [ "$COMP_CWORD" -ge 3 ]; then
    case "$path" in ${[...groups].join('|')}) path="$path \${COMP_WORDS[2]}" ;; esac
  fi
  case "$path" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _hardshell hardshell
`
}

const zsh = (places: Places): string => `autoload -U +X bashcompinit && bashcompinit\n${bash(places)}`

function fish(places: Places, helpOf: (path: string, word: string) => string): string {
  const lines = places.flatMap(([path, words]) =>
    words.map((word) => {
      const what = word.startsWith('--') ? `-l ${word.slice(2)}` : `-a ${word}`
      return `complete -c hardshell -n '__hardshell_at "${path}"' -f ${what} -d '${helpOf(path, word).replaceAll("'", "\\'")}'`
    }),
  )
  return `function __hardshell_at
  set -l words (commandline -opc)[2..-1]
  set -l path (string match -v -- '-*' $words | head -n 2 | string join ' ')
  test "$path" = "$argv[1]"
end
${lines.join('\n')}
`
}

/** The command, for the commands that there are; of `others` only the names are known. */
export function completionOf(
  groups: () => Promise<Readonly<Record<string, Group | Command>>>,
  others: readonly string[],
): Command {
  return command({
    summary: 'what a shell needs to complete these commands',
    usage: SHELLS.join('|'),
    words: [1, 1],
    offers: SHELLS,
    about: `bash  eval "$(hardshell completion bash)" in ~/.bashrc
zsh   eval "$(hardshell completion zsh)" in ~/.zshrc, behind compinit
fish  hardshell completion fish > ~/.config/fish/completions/hardshell.fish`,
    options: {},
    async run({ given, out }) {
      const all = await groups()
      const places = placesOf(all, others)
      const shell = SHELLS.find((each) => each === given.words[0])
      if (shell === undefined) throw new Misused(`one of ${SHELLS.join(', ')}`)
      const text = { bash: () => bash(places), zsh: () => zsh(places), fish: () => fish(places, summaryIn(all)) }[
        shell
      ]()
      out.say(text.trimEnd())
      out.give({ shell, script: text })
      return 0
    },
  })
}

/** What a word means at a place, in a line. */
function summaryIn(all: Readonly<Record<string, Group | Command>>): (path: string, word: string) => string {
  return (path, word) => {
    const [first = '', second = ''] = path.split(' ')
    const group = all[first]
    const of = group !== undefined && 'commands' in group ? group.commands[second] : group
    if (path === '') return all[word]?.summary ?? ''
    if (second === '' && group !== undefined && 'commands' in group) return group.commands[word]?.summary ?? ''
    const options: Readonly<Record<string, Option>> = { ...of?.options, ...COMMON }
    return options[word.slice(2)]?.help ?? ''
  }
}
