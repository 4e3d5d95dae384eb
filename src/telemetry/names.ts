/**
 * The names of what is measured, for OpenTelemetry and for Prometheus alike: attributes, and metrics with their units. They follow OTel's
 * conventions: dotted, in its units (seconds), with what is counted in braces.
 */

/** Names of attributes. */
export const ATTRIBUTES = {
  kind: 'hardshell.operation.kind',
  id: 'hardshell.operation.id',
  state: 'hardshell.operation.state',
  status: 'hardshell.operation.status',
  version: 'hardshell.operation.version',
  parent: 'hardshell.operation.parent',
  effect: 'hardshell.effect',
  attempt: 'hardshell.attempt',
  answer: 'hardshell.answer',
  event: 'hardshell.event',
  outcome: 'hardshell.commit.outcome',
  retry: 'hardshell.retry',
  lane: 'hardshell.lane',
  place: 'hardshell.lane.place',
  error: 'error.type',
} as const

/** The attributes of one point. */
export interface Attributes {
  /** A value by its attribute's name. */
  readonly [name: string]: string | number
}

/** What a metric is called, and how it is to be read. */
export interface Metric {
  /** Its name in OpenTelemetry. */
  readonly name: string
  /** A number at the moment, one that only goes up, or a distribution. */
  readonly type: 'gauge' | 'counter' | 'histogram'
  /** What it is counted in: seconds (`s`), or a word in braces. */
  readonly unit: string
  /** What it says. */
  readonly description: string
}

/** All metrics. */
export const METRICS = {
  operations: {
    name: 'hardshell.operations',
    type: 'gauge',
    unit: '{operation}',
    description: 'Operations that have not ended, by kind, state and status.',
  },
  oldest: {
    name: 'hardshell.operation.oldest_age',
    type: 'gauge',
    unit: 's',
    description: 'Time since the oldest operation that has not ended was created, by kind.',
  },
  ended: {
    name: 'hardshell.operations.ended',
    type: 'counter',
    unit: '{operation}',
    description: 'Operations that ended while this process ran, by kind and last state.',
  },
  commits: {
    name: 'hardshell.commit.duration',
    type: 'histogram',
    unit: 's',
    description: 'How long commits of steps took, by kind and outcome.',
  },
  requests: {
    name: 'hardshell.requests',
    type: 'counter',
    unit: '{request}',
    description: 'Requests of effects that are over, by kind, effect and answer.',
  },
  retries: {
    name: 'hardshell.retries',
    type: 'counter',
    unit: '{retry}',
    description: 'What was done again: requests after a take-over, steps after a conflict, operations after an error.',
  },
  lanes: {
    name: 'hardshell.lane.requests',
    type: 'gauge',
    unit: '{request}',
    description: 'Requests of each lane, under way and waiting.',
  },
} as const satisfies { readonly [name: string]: Metric }

/** The upper ends of the buckets of a commit's duration, in seconds. */
export const COMMIT_BOUNDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5] as const
