/** A process on a SQLite file given as its argument: says what role it has, and takes up whatever it owns. */
import { openOperations, operationsTable, type OperationKind } from '../../src/kernel/index.ts'
import { sqliteStore } from '../../src/store/sqlite/index.ts'

const [path = ''] = process.argv.slice(2)
const tables = { operations: operationsTable() }
const store = await sqliteStore({ path }).open({ version: 1, tables })
const operations = openOperations({ store, tables, kinds: [] as OperationKind[], ports: {} })
operations.onRole((role) => console.log(role))
await operations.resumed
console.log(operations.role)
// It ends when its parent says so, or is killed.
process.stdin.resume()
process.stdin.on('end', () => {
  operations.close()
  void operations.closed.then(() => store.close()).then(() => process.exit(0))
})
