/** A kind of any chart, for the processes of the kernel's shop. */
import type { AnyStateMachine, EventObject } from 'xstate'
import { defineOperation, type OperationKind, type Operations, type Runs } from '../../src/kernel/index.ts'
import type { ShopPorts } from './kernel-shop.ts'

type Rest = Omit<OperationKind<ShopPorts>, 'kind' | 'version' | 'machine' | 'effects' | 'columns'>

/** `effects` are those that the chart declares. */
export const anyKind = (
  machine: AnyStateMachine,
  effects: object = {},
  rest: Partial<Rest> = {},
): OperationKind<ShopPorts> =>
  defineOperation<ShopPorts, AnyStateMachine, EventObject | undefined>({
    ...rest,
    kind: 'any',
    version: 1,
    machine,
    effects: () => effects as Runs<AnyStateMachine>,
    columns: () => ({ item: '' }),
  })

/** The operations of a kind whose chart does not say which events it takes. */
export interface AnyOperations {
  create(input: object): Promise<{ readonly id: string }>
  send(id: string, event: { readonly type: string }): Promise<boolean>
}

export const ofAny = <Ports>(operations: Operations<Ports>, kind: OperationKind<never>): AnyOperations =>
  operations.of(kind) as unknown as AnyOperations
