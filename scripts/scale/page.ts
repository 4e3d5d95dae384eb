/** A page that fills a wallet on IndexedDB, or measures it. */
import { indexedDbStore } from '../../src/store/indexeddb/index.ts'
import { fill, type Rows, type Size } from './fill.ts'
import { measure, type Figures } from './measure.ts'

const store = indexedDbStore({ name: 'scale' })

const scale = {
  /** Takes JSON. */
  fill(of: string): Promise<void> {
    const { size, real } = JSON.parse(of) as { size: Size; real: Rows }
    return fill(store, size, real)
  },
  measure: (): Promise<Figures> => measure(store),
}

declare global {
  interface Window {
    readonly scale: typeof scale
  }
}
Object.assign(window, { scale })
