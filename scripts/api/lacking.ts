/** Which public declarations lack their documentation. */
import type { Doc, Entry } from './declarations.ts'

/** What is made for tests throws what it finds: no codes to tell. */
const THROWS_ANYTHING = ['hardshell/testing']

/** What users of the wallet call: each of its methods shows how. */
const SHOWN = /^(Wallet|WalletMints|WalletOperations|History|KeyValues|\w+Operations|\w+Handle)$/
/** Called by the language itself. */
const UNSHOWN = /^(toJSON|\[.*\])$/

/**
 * Every export and every public member has a sentence; every function and method that gives a promise says what it rejects
 * with; every entry point and every method of its classes shows an example.
 */
export function lacking({ name, doc, exports }: Entry): string[] {
  const found = isSentence(doc) ? [] : [`${name}: the entry point has no sentence`]
  if (![doc, ...exports.map((exported) => exported.doc)].some(({ examples }) => examples.length > 0))
    found.push(`${name}: the entry point has no @example`)
  for (const exported of exports) {
    const where = `${name}: ${exported.name}`
    if (!isSentence(exported.doc)) found.push(`${where} has no sentence`)
    if (exported.sort === 'function') found.push(...ofCall(name, where, exported.code, exported.doc))
    for (const member of exported.members) {
      const place = `${where}.${member.name}`
      if (!isSentence(member.doc)) found.push(`${place} has no sentence`)
      if (!member.isMethod) continue
      found.push(...ofCall(name, place, member.code, member.doc))
      const isShown = !SHOWN.test(exported.name) || UNSHOWN.test(member.name) || member.doc.examples.length > 0
      if (!isShown) found.push(`${place} has no @example`)
    }
  }
  return found
}

const ofCall = (entry: string, place: string, code: string, { throws }: Doc): string[] =>
  /: Promise<[^;]*$/.test(code) && throws.length === 0 && !THROWS_ANYTHING.includes(entry) ? [`${place} gives a promise, and has no @throws`] : [] // prettier-ignore

/** Words that end with a full stop, or an example that stands for itself. */
const isSentence = ({ text }: Doc): boolean => /\w{2,}.*[.:]/s.test(text)
