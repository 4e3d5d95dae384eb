/** The crypto of production, in place of the stub. The lane of crypto runs with it. */
import type { KeysetContents } from '../../cashu/crypto.ts'
import { nobleCrypto } from '../../cashu/noble-crypto.ts'
import { nobleMintCrypto } from '../../cashu/noble-mint-crypto.ts'
import type { stubCrypto } from './stub-crypto.ts'

/** The wallet names an id of the wanted version first; the mint the contents. */
const keysetId = (first: string | KeysetContents, second?: string | KeysetContents): string => {
  if (typeof first !== 'string') return nobleMintCrypto.keysetId(first, second === '00' ? '00' : '01')
  if (typeof second !== 'object') throw new TypeError('keyset: what an id is made from')
  return nobleCrypto.keysetId(first, second)
}

export const realCrypto: typeof stubCrypto = { ...nobleMintCrypto, ...nobleCrypto, keysetId }
