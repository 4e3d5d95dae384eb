/** The chart as a table, for those who cannot see the drawing, or would rather read. */
import type { ChartView } from '../feed.ts'
import { statesIn } from './way.ts'

export function ChartTable({ chart, state }: { readonly chart: ChartView; readonly state: string }) {
  const now = new Set(statesIn(state))
  return (
    <details class="chart-table" open={chart.svg === null}>
      <summary>The chart as a table</summary>
      <div class="wide" role="region" aria-label="The chart as a table" tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">state</th>
              <th scope="col">what it means</th>
              <th scope="col">runs</th>
              <th scope="col">leads to</th>
            </tr>
          </thead>
          <tbody>
            {chart.states.map(({ id, description, invokes, poll, type }) => (
              <tr key={id} class={now.has(id) ? 'is-now' : ''}>
                <th scope="row">
                  {id}
                  {now.has(id) && <span class="muted"> (now)</span>}
                  {type === 'final' && <span class="muted"> (end)</span>}
                </th>
                <td>{description ?? ''}</td>
                <td>{[...invokes.map(({ src }) => src), ...(poll === null ? [] : [`asks ${poll}`])].join(', ')}</td>
                <td>
                  <ul>
                    {chart.arrows
                      .filter(({ from, to }) => from === id && to.length > 0)
                      .map(({ index, to, label }) => (
                        <li key={index}>
                          {label} → {to.join(', ')}
                        </li>
                      ))}
                  </ul>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  )
}
