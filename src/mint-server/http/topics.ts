import { checkOneOf } from '../../arguments.ts'

/** What a wallet may subscribe to (NUT-17). The ids are those of quotes; with `proof_state`, each is a proof's Y. */
export type Topic =
  | 'bolt11_mint_quote'
  | 'bolt12_mint_quote'
  | 'bolt11_melt_quote'
  | 'bolt12_melt_quote'
  | 'proof_state'

/** The topics that a change of a table belongs to. */
export const TOPICS_OF: Readonly<Record<string, readonly Topic[]>> = {
  proofs: ['proof_state'],
  mintQuotes: ['bolt11_mint_quote', 'bolt12_mint_quote'],
  meltQuotes: ['bolt11_melt_quote', 'bolt12_melt_quote'],
}

/** @throws {TypeError} naming the argument */
export const checkTopic = (topic: unknown): void => checkOneOf(topic ?? null, 'topic', Object.values(TOPICS_OF).flat())
