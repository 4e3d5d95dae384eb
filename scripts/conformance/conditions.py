"""
Nutshell's wallet with what its command line cannot do: tokens locked in the ways of NUT-11 and NUT-14, taken by those who
may and refused to those who may not. Its arguments are the mint, a folder, and an invoice of 4 sats to pay; prints JSON.
"""

import asyncio
import copy
import json
import os
import sys

from cashu.core.secret import Tags
from cashu.wallet.wallet import Wallet

mint_url, folder, invoice = sys.argv[1:]
FUNDS = 128
AMOUNT = 8
WHOLE = AMOUNT - 1  # the input fee
NOTHING = 0
PAST = -10  # seconds from now
PREIMAGE = "42" * 32


async def open_wallet(name: str) -> Wallet:
    path = os.path.join(folder, name)
    await Wallet.with_db(mint_url, path, name=name, skip_db_read=True)  # makes the database
    wallet = await Wallet.with_db(mint_url, path, name=name)
    await wallet.load_mint()
    return wallet


def tags(**values) -> Tags:
    made = Tags()
    for name, value in values.items():
        made[name] = value
    return made


async def main():
    payer, alice, bob = [await open_wallet(name) for name in ["payer", "key-a", "key-b"]]
    key_a, key_b = [await wallet.create_p2pk_pubkey() for wallet in (alice, bob)]
    quote = await payer.request_mint(FUNDS)
    while (await payer.get_mint_quote(quote.quote)).state.value != "PAID":
        await asyncio.sleep(0.1)
    await payer.mint(FUNDS, quote_id=quote.quote)
    results = []

    async def locked(lock):
        _, proofs = await payer.swap_to_send(payer.proofs, AMOUNT, secret_lock=lock)
        await payer.set_reserved_for_send(proofs, reserved=True)
        return proofs

    async def take(case, wallet, proofs, due):
        """What the wallet gets for the proofs, or what the mint says; and what is due to it."""
        received, refusal = 0, ""
        try:
            kept, _ = await wallet.redeem(copy.deepcopy(proofs))
            received = sum(proof.amount for proof in kept)
        except Exception as error:
            refusal = str(error)
        results.append({"case": case, "due": due, "received": received, "refusal": refusal})

    def opened(proofs):
        for proof in (opened := copy.deepcopy(proofs)):
            proof.witness = json.dumps({"preimage": PREIMAGE})
        return opened

    sealed = await locked(await payer.create_htlc_lock(preimage=PREIMAGE, hashlock_pubkeys=[key_b]))
    await take("HTLC, the key without the preimage", bob, sealed, NOTHING)
    await take("HTLC, the preimage without the key", alice, opened(sealed), NOTHING)
    await take("HTLC, key and preimage", bob, opened(sealed), WHOLE)

    keyless = await locked(await payer.create_htlc_lock(preimage=PREIMAGE))
    await take("HTLC without keys, the preimage alone", bob, opened(keyless), WHOLE)

    ended = {"locktime_seconds": PAST, "locktime_pubkeys": [key_a]}
    late = await locked(await payer.create_htlc_lock(preimage=PREIMAGE, hashlock_pubkeys=[key_b], **ended))
    await take("HTLC, the refund key after the locktime", alice, late, WHOLE)

    shared = await locked(await payer.create_p2pk_lock(key_a, tags=tags(pubkeys=[key_b]), n_sigs=2))
    await take("P2PK, one of two that are needed", bob, shared, NOTHING)
    await take("P2PK, two of two", bob, alice.sign_p2pk_sig_inputs(shared), WHOLE)

    late = await locked(await payer.create_p2pk_lock(key_a, locktime_seconds=PAST, tags=tags(refund=[key_b])))
    await take("P2PK, the refund key after the locktime", bob, late, WHOLE)

    whole = await locked(await payer.create_p2pk_lock(key_b, sig_all=True))
    await take("SIG_ALL, another key", alice, whole, NOTHING)
    await take("SIG_ALL, a swap", bob, whole, WHOLE)

    whole = await locked(await payer.create_p2pk_lock(key_b, sig_all=True))
    quote = await bob.melt_quote(invoice)
    before = bob.balance.amount
    await bob.melt(whole, invoice, quote.fee_reserve, quote.quote)
    # 4 were paid, 1 to Lightning and 1 as input fee.
    results.append({"case": "SIG_ALL, a melt", "due": 2, "received": bob.balance.amount - before, "refusal": ""})

    held = sum(wallet.available_balance.amount for wallet in (payer, alice, bob))
    print(json.dumps({"results": results, "held": held}))


asyncio.run(main())
