/** Goal: a mark is one file, however it is named. Method: a real file, and a link to it. */
import { lstatSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { markFile } from '../../src/mint-server/index.ts'

test('a mark that is written by a link is the mark of the file that it leads to', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mark-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const [path, link] = [join(folder, 'mint.mark'), join(folder, 'link.mark')]
  symlinkSync(path, link)
  await markFile(link).write({ database: 'one', tick: 7, nonce: 'n', atMs: 1 })
  expect(lstatSync(link).isSymbolicLink()).toBe(true)
  expect(await markFile(path).read()).toMatchObject({ database: 'one', tick: 7 })
})
