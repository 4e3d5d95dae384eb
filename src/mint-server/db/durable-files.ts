/** Files that are whole under their name, or not there: on disk when the call returns. */
import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, linkSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

const isThere = (error: unknown): boolean => (error as { code?: unknown }).code === 'EEXIST'
export const isMissing = (error: unknown): boolean => (error as { code?: unknown }).code === 'ENOENT'

/** Has the names of a folder's files on disk, too. Windows knows no such call. */
export function syncFolderOf(path: string): void {
  if (process.platform === 'win32') return
  const folder = openSync(dirname(path), 'r')
  fsyncSync(folder)
  closeSync(folder)
}

/** Has a file's bytes on disk. */
export function syncFile(path: string): void {
  const file = openSync(path, 'r+')
  fsyncSync(file)
  closeSync(file)
}

/** A name beside a file that nobody else uses. */
export const draftOf = (path: string): string => `${path}.${randomBytes(6).toString('hex')}.draft`

/** Writes a draft, for its owner only, and gives it its name by `publish`. */
function written(path: string, text: string, publish: (draft: string) => void): void {
  const draft = draftOf(path)
  const file = openSync(draft, 'wx', 0o600)
  try {
    writeSync(file, text)
    fsyncSync(file)
    publish(draft)
  } finally {
    closeSync(file)
    rmSync(draft, { force: true })
  }
  syncFolderOf(path)
}

/** Makes a file; of two processes one makes it, and one that is there stays. */
export function makeFile(path: string, text: string): void {
  written(path, text, (draft) => {
    try {
      linkSync(draft, path)
    } catch (error) {
      if (!isThere(error)) throw error
    }
  })
}

/** Makes a file, or puts another text in its place. */
export function replaceFile(path: string, text: string): void {
  written(path, text, (draft) => renameSync(draft, path))
}
