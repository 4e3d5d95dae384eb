/** What `hardshell doctor` finds. */
import type { Database } from '../ops/database.ts'
import type { Home } from '../wallet/home.ts'

/** One thing that was looked at. */
export interface Finding {
  /** What it is about, in a word. */
  readonly about: string
  readonly state: 'ok' | 'warning' | 'wrong'
  readonly text: string
  /** What to do. */
  readonly advice?: string
}

/** Where it is looked. */
export interface Place {
  /** The database. */
  readonly path: string
  /** The wallet's folder; undefined where a database was named by itself. */
  readonly home: Home | undefined
  /** How the folder is named in what a person is told to type. */
  readonly folder: string
  readonly signal: AbortSignal
  /** The open database, once it is. */
  readonly open?: Database
}

/** Looks at one thing. */
export type Look = (place: Place) => Promise<Finding[]>
