/** The whole page: the head with the balances, the list, and the operation that is open. */
import { DetailPane } from './detail.tsx'
import { FilmPane } from './film.tsx'
import { Filters } from './filters.tsx'
import { List } from './list.tsx'
import { loadMore, select, useModel, type Model } from './model.ts'
import { States } from './states.tsx'
import { Totals } from './totals.tsx'
import { countText } from './words.ts'

export function App() {
  const model = useModel()
  const { overview, failure, selected } = model
  if (failure?.status === 401) return <Locked />
  if (overview?.film) return <FilmPane />
  return (
    <div class={selected === undefined ? 'app' : 'app has-open'}>
      <Head model={model} />
      {failure && (
        <p class="banner" role="alert">
          {failure.message}
        </p>
      )}
      <main class="panes">
        <section class="list-pane" aria-label="Operations">
          <Filters model={model} />
          <List model={model} />
          <p class="list-foot" role="status">
            {model.loaded
              ? model.shown.length === model.operations.length
                ? countText(model.operations.length, 'operation')
                : `${countText(model.shown.length, 'operation')} of ${model.operations.length}`
              : 'reading…'}
            {model.loaded && model.next !== null && (
              <button type="button" class="link" onClick={() => void loadMore()}>
                there are older ones: load more
              </button>
            )}
            {model.loaded && model.shown.length === 0 && model.filter.text !== '' && (
              <button type="button" class="link" onClick={() => select(model.filter.text)}>
                open the operation with this id
              </button>
            )}
          </p>
        </section>
        <section class="detail-pane" aria-label="One operation">
          {selected === undefined ? (
            <States model={model} />
          ) : (
            <DetailPane key={selected} id={selected} version={model.selectedVersion} write={overview?.write === true} />
          )}
        </section>
      </main>
    </div>
  )
}

function Head({ model: { overview, connected } }: { readonly model: Model }) {
  return (
    <header class="head">
      <h1>
        <img src="/icon.svg" alt="" width="24" height="24" />
        <span class="brand">{overview?.title ?? 'hardshell'}</span>
      </h1>
      <span class={connected ? 'live' : 'live is-off'} role="status">
        {connected ? 'live' : 'not connected'}
      </span>
      {overview && <span class="badge">{overview.write ? 'may act' : 'read only'}</span>}
      {overview && overview.role !== 'owner' && (
        <span class="badge" title={overview.roleReason ?? 'another process may run the operations'}>
          {overview.role}
        </span>
      )}
      <Totals totals={overview?.totals ?? []} />
    </header>
  )
}

function Locked() {
  return (
    <main class="locked">
      <h1>This page needs its address</h1>
      <p>
        Open the address that was printed where the inspector was started: it has a token in it, which this tab does not
        have, or not any more.
      </p>
    </main>
  )
}
