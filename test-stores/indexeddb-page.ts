/** Runs in a page: the store contract on IndexedDB. */
import { indexedDbStore } from '../src/store/indexeddb.ts'
import { storeContract } from '../src/testing/store-contract.ts'

let databases = 0

const cases = storeContract(async () => {
  const name = `case ${databases++}`
  return {
    adapter: indexedDbStore({ name }),
    async dispose() {
      await new Promise((resolve, reject) => {
        const request = indexedDB.deleteDatabase(name)
        request.addEventListener('success', resolve)
        request.addEventListener('error', () => reject(request.error!))
      })
    },
  }
})

const contract = {
  run: (name: string): Promise<void> => cases.find((each) => each.name === name)!.run(),
}

declare global {
  interface Window {
    contract: typeof contract
  }
}
window.contract = contract
