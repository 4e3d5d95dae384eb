/** The pages of the API reference. */
import type { Doc, Entry, Exported, Member } from './declarations.ts'

export const fileNameOf = (entry: string): string => `${entry.replaceAll('/', '-')}.md`

/** The page that lists the others. */
export const indexOf = (entries: readonly Entry[]): string => `# API reference

Made by \`npm run docs:api\` from the doc comments of the package. A page for each entry point:

| import | what it is |
|---|---|
${entries.map(({ name, doc }) => `| [\`${name}\`](${fileNameOf(name)}) | ${oneLine(doc.text)} |`).join('\n')}
`

/** The first sentence, on one line of a table. */
const oneLine = (text: string): string =>
  (/^[\s\S]*?[.:](?=\s|$)/.exec(text)?.[0] ?? text).replaceAll(/\s+/g, ' ').replaceAll('|', '\\|')

/** The page of an entry point. What it exports from another one is documented there. */
export function pageOf(entry: Entry, entries: readonly Entry[]): string {
  const first = (exported: Exported): Entry | undefined => entries.find(({ exports }) => exports.includes(exported))
  const parts = entry.exports
    .toSorted((a, b) => (a.name.toLowerCase() < b.name.toLowerCase() ? -1 : 1))
    .map((exported) => {
      const home = first(exported)
      if (home && home !== entry)
        return `## ${exported.name}\n\nThe same as in [${home.name}](${fileNameOf(home.name)}#${exported.name.toLowerCase()}).\n`
      return partOf(exported)
    })
  return `# ${entry.name}\n\n${described(entry.doc)}\n${parts.join('\n')}`
}

const partOf = ({ name, code, doc, members }: Exported): string =>
  `## ${name}\n\n${fenced(code)}\n${described(doc)}${membersOf(members)}`

/** Properties as a table, methods each with what they say. */
function membersOf(members: readonly Member[]): string {
  const properties = members.filter(({ isMethod }) => !isMethod)
  const methods = members.filter(({ isMethod }) => isMethod)
  const rows = properties.map(({ name, code, doc }) => `| \`${name}\` | ${typeOf(code)} | ${cell(doc.text)} |`)
  const table = rows.length === 0 ? '' : `\n| property | type | |\n|---|---|---|\n${rows.join('\n')}\n`
  return table + methods.map(({ name, code, doc }) => `\n### ${name}()\n\n${fenced(code)}\n${described(doc)}`).join('')
}

const typeOf = (code: string): string =>
  `\`${code
    .replace(/^(?:get |readonly )*(?:\[[^\]]+\]|\w+)(\?)?(?:\(\))?: /, (_, optional: string | undefined) =>
      optional ? '? ' : '',
    )
    .replaceAll(/\s+/g, ' ')}\``.replaceAll('|', '\\|')

const cell = (text: string): string => text.replaceAll(/\s+/g, ' ').replaceAll('|', '\\|')

const fenced = (code: string): string => `\`\`\`ts\n${code}\n\`\`\`\n`

/** What a doc comment says: its text, what is thrown, and its examples. */
function described({ text, throws, examples }: Doc): string {
  const parts = [text]
  if (throws.length > 0) parts.push(throws.map((each) => `- throws ${each.replaceAll(/\s*\n\s*/g, ' ')}`).join('\n'))
  for (const example of examples) parts.push(`\`\`\`ts\n${example}\n\`\`\``)
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`
}
