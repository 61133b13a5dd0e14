import { useTable } from '../cluster/cluster.ts'
import { EventTable } from '../objects/event-table.tsx'

/** The newest warnings of all namespaces. */
export function Warnings() {
  const list = useTable('/api/v1/events?fieldSelector=type%3DWarning')
  return (
    <section aria-labelledby="warnings">
      <h2 id="warnings">Warnings</h2>
      <EventTable list={list} none="There are no warnings." />
    </section>
  )
}
