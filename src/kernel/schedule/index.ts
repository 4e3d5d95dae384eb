/**
 * `hardshell/kernel/schedule`: operations that start others, by cron expressions and at intervals. Needs `croner` beside this package.
 */
export { schedule, type ScheduleEvent, type ScheduleInput, type ScheduleMachine, type Tick } from './schedule.ts'
export type { Missed, Overlap, TickRange } from './plan.ts'
