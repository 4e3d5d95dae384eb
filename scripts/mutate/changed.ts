/** Which lines differ from another revision. */
import { execFileSync } from 'node:child_process'
import type { Mutation } from './mutations.ts'
import { root } from './places.ts'

const git = (...args: string[]): string => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim()

/** Those on lines that differ from the revision, or from where this branch left `main`. */
export function onChangedLines(all: readonly Mutation[], since = git('merge-base', 'main', 'HEAD')): Mutation[] {
  const lines = changedLines(git('diff', '--unified=0', '--no-color', '--no-ext-diff', since, '--', 'src', 'machines'))
  return all.filter(({ file, line, before }) => {
    const last = line + before.split('\n').length - 1
    return lines.get(file)?.some(([from, to]) => line <= to && last >= from)
  })
}

/** By file, the first and the last line of each part of a diff as it is now. */
export function changedLines(diff: string): Map<string, [number, number][]> {
  const found = new Map<string, [number, number][]>()
  let file = ''
  for (const row of diff.split('\n')) {
    file = /^\+\+\+ b\/(.*)$/.exec(row)?.[1] ?? file
    const [, from, count = '1'] = /^@@ -\S+ \+(\d+)(?:,(\d+))? @@/.exec(row) ?? []
    if (from === undefined || count === '0') continue
    found.set(file, [...(found.get(file) ?? []), [Number(from), Number(from) + Number(count) - 1]])
  }
  return found
}
