/** Tokens from one wallet to the other, both ways, in both versions (NUT-00), with their DLEQ proofs (NUT-12). */
import { decodeToken, encodeToken, fullKeysetId, type Token } from '../../src/cashu/codec.ts'
import { nobleCrypto } from '../../src/cashu/noble-crypto.ts'
import { getJson } from '../kill-lab/mint-balances.ts'
import type { TestMint } from './mints.ts'
import { balanceIn, tokenIn, type NutshellCli } from './nutshell-cli.ts'
import { mintSats, newWallet, receive } from './our-wallet.ts'
import { outcomeOf, same, type Try } from './steps.ts'
import { worth } from './worth.ts'

interface Keysets {
  readonly keysets: readonly { readonly id: string; readonly keys: Readonly<Record<string, string>> }[]
}

export async function tokens(attempt: Try, mint: TestMint, cli: NutshellCli, dir: string): Promise<void> {
  const { url: mintUrl } = mint
  const { keysets } = await getJson<Keysets>(`${mintUrl}/v1/keys`)
  const wallet = await newWallet(dir, mintUrl)

  /** A token as it stands, with the full ids of its keysets. */
  function read(text: string): Token {
    const token = decodeToken(text)
    const known = keysets.map(({ id }) => id)
    return {
      ...token,
      proofs: token.proofs.map((proof) => ({ ...proof, id: fullKeysetId(proof.id, known) ?? proof.id })),
    }
  }

  /** @throws {Error} where a proof carries no DLEQ proof that holds. */
  function checkDleq({ proofs }: Token): void {
    const good = proofs.filter(({ id, amount, secret, C, dleq }) => {
      const key = keysets.find((keyset) => keyset.id === id)!.keys[amount]!
      return dleq !== undefined && nobleCrypto.verifyProofDleq(secret, C, key, dleq)
    })
    same('proofs with a good DLEQ proof', good.length, proofs.length)
  }

  /** A token of Nutshell's, whose DLEQ proofs hold. */
  async function theirs(...how: readonly string[]): Promise<string> {
    const text = tokenIn(await cli.run('eve', 'send', '13', '--dleq', ...how))
    checkDleq(read(text))
    return text
  }

  /** A token of ours. It carries no DLEQ proofs: they would show the blinding factors. */
  async function mine(): Promise<Token> {
    const send = await wallet.send.prepare({ mintUrl, amount: 13 })
    return read((await send.execute()).token)
  }

  async function toOurs(version: string, text: string): Promise<string> {
    same('version', text.slice(0, 6), version)
    return `13 sat, ${await receive(wallet, text)} received, its DLEQ proofs hold`
  }

  async function toNutshell(text: string): Promise<string> {
    const before = balanceIn(await cli.run('eve', 'balance'))
    const received = balanceIn(await cli.run('eve', 'receive', text)) - before
    same('sats received', received, worth(text))
    return `13 sat, ${received} received`
  }

  await attempt('both have money', async () => {
    await cli.run('eve', 'invoice', '64')
    await mintSats(wallet, mintUrl, 64)
    return '64 sat each'
  })
  await attempt('V4, Nutshell to ours', async () => toOurs('cashuB', await theirs()))
  await attempt('V3, Nutshell to ours', async () => toOurs('cashuA', await theirs('--legacy')))
  await attempt('V4, ours to Nutshell', async () => {
    return toNutshell(encodeToken(await mine()))
  })
  await attempt('V3, ours to Nutshell', async () => {
    // Our wallet writes V4 only; what it sends is written anew.
    return toNutshell(asV3(await mine()))
  })
  await attempt('DLEQ proofs of other coins', async () => {
    const text = await theirs()
    const token = read(text)
    const dleqs = token.proofs.map(({ dleq }) => dleq!)
    const forged = { ...token, proofs: token.proofs.map((proof, at) => ({ ...proof, dleq: dleqs.at(at - 1)! })) }
    same('Nutshell says', await outcomeOf(toNutshell(encodeToken(forged))), 'DLEQ proof invalid.')
    await toOurs('cashuB', text)
    return 'refused by Nutshell; as it was made the token is taken'
  })
  await wallet.close()
}

/** A token of version 3: JSON, of which there is an entry for each mint. */
function asV3({ mintUrl, unit, proofs }: Token): string {
  const json = JSON.stringify({ token: [{ mint: mintUrl, proofs }], unit })
  return `cashuA${Buffer.from(json).toString('base64url')}`
}
