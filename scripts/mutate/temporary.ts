/** Folders that are gone when this process is, however it ends; what kills it outright leaves them to the system. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'

const folders = new Set<string>()
process.on('exit', () => folders.forEach(remove))

/** Anybody may read what is in it: some tests start processes of another user. */
export function temporary(name: string, within = tmpdir()): string {
  const folder = mkdtempSync(`${within}/hardshell-${name}-`)
  chmodSync(folder, 0o755)
  folders.add(folder)
  return folder
}

export function remove(folder: string): void {
  rmSync(folder, { recursive: true, force: true })
  folders.delete(folder)
}
