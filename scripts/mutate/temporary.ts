/** Folders that are gone when this process is, however it ends; what kills it outright leaves them to the system. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'

const folders = new Set<string>()
process.on('exit', () => folders.forEach(remove))

export function temporary(name: string): string {
  const folder = mkdtempSync(`${tmpdir()}/hardshell-${name}-`)
  folders.add(folder)
  return folder
}

export function remove(folder: string): void {
  rmSync(folder, { recursive: true, force: true })
  folders.delete(folder)
}
