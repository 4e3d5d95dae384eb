/** What the inspector's server and its page say to each other: JSON, without secrets. Times are in epoch ms. */
import type { ChartArrow, ChartState } from '../chart/index.ts'
import type { LastAnswer, StepRecord } from '../kernel/define/steps.ts'
import type { Sums } from '../kernel/inspect/inspectable.ts'

/** An operation as the list shows it. */
export interface Summary {
  readonly id: string
  readonly kind: string
  readonly kindVersion: number
  /** The chart's state, dotted. */
  readonly state: string
  readonly status: 'active' | 'done' | 'quarantined' | 'unloadable'
  /** Goes up by one with each commit. */
  readonly version: number
  /** Its mint, or another lane. */
  readonly lane: string
  readonly unit: string | null
  readonly amount: number | null
  readonly createdAt: number
  readonly updatedAt: number
  /** When its next timer ends. */
  readonly dueAt: number | null
  readonly attempt: number
  readonly parent: string | null
  /** A person or a caller decides what comes next. */
  readonly human: boolean
  /** What keeps it from going on. */
  readonly reason: string | null
}

/** A part of the list, newest first. */
export interface SummaryPage {
  readonly operations: readonly Summary[]
  readonly next: string | null
}

/** One line of the figures beside the list. */
export type Totals = Sums

export interface Overview {
  readonly title: string
  readonly write: boolean
  /** What this process is to the operations. */
  readonly role: string
  readonly roleReason: string | null
  readonly nowMs: number
  readonly totals: readonly Totals[]
  /** A run of the explorer is shown instead of a store. */
  readonly film: boolean
}

/** What a person may have done to an operation. */
export type Act = 'resume' | 'execute' | 'cancel'
export const ACTS: readonly Act[] = ['resume', 'execute', 'cancel']

export type { StepRecord }

/** `Explanation` of the kernel, as it crosses. */
export interface Explained {
  readonly why: string
  readonly lastError: { readonly error: string; readonly attempt: number; readonly atMs: number } | null
  readonly lastAnswer: LastAnswer | null
  readonly underWay: readonly string[]
  readonly watching: string | null
  readonly timers: readonly { readonly name: string; readonly atMs: number }[]
  readonly takes: readonly string[]
  readonly needsHuman: boolean
  readonly laneClosed: boolean
  readonly lanePaused: { readonly why: string; readonly untilMs: number } | null
}

/** One operation, whole. */
export interface Detail {
  readonly nowMs: number
  readonly summary: Summary
  readonly explained: Explained
  /** The row without what may be secret. */
  readonly row: { readonly [column: string]: string | number | null }
  /** Columns of the row that are not shown. */
  readonly hidden: readonly string[]
  /** From the first that is kept; none where the database keeps no steps. */
  readonly steps: readonly StepRecord[]
  readonly children: readonly string[]
  /** What can be done to it now, if writing is allowed. */
  readonly acts: readonly Act[]
}

export type { ChartArrow, ChartState }

/** A kind's chart. */
export interface ChartView {
  readonly kind: string
  readonly version: number
  readonly states: readonly ChartState[]
  readonly arrows: readonly ChartArrow[]
  /** The drawing; null where what draws it is not installed. */
  readonly svg: string | null
  /** Why there is no drawing. */
  readonly reason: string | null
}

/** What the server tells by itself. */
export type Told =
  | { readonly type: 'hello'; readonly nowMs: number }
  /** Operations as they are now; several commits of one are one of these. */
  | { readonly type: 'changes'; readonly nowMs: number; readonly operations: readonly Summary[] }
  | { readonly type: 'totals'; readonly totals: readonly Totals[] }
  /** The page was too slow to be told everything: it reads all anew. */
  | { readonly type: 'reload' }

/** A run of the explorer, to be looked at from beginning to end. */
export interface Film {
  /** So that a file of something else is not taken for one. */
  readonly film: 1
  /** The path that it is a run of. */
  readonly path: string
  readonly scenes: readonly Scene[]
  /** What is wrong at its end. */
  readonly violations: readonly string[]
  /** The charts of the kinds that are in it. */
  readonly charts: { readonly [kind: string]: ChartView }
}

/** One thing that happened in a run. */
export interface Scene {
  readonly atMs: number
  /** The life of the program in which it happened, from 1. */
  readonly life: number
  readonly column: 'life' | 'fault' | 'commit' | 'request' | 'state' | 'event' | 'context'
  readonly text: string
}
