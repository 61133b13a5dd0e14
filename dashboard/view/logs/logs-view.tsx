import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { useCluster } from '../cluster/cluster.ts'
import { linesOf } from '../cluster/lines.ts'
import { sentenceOf } from '../cluster/refusal.ts'
import { type LogLine, MOST_LINES, readableLine } from './log-lines.ts'

/** A container whose log is followed. */
export interface LogSource {
  readonly namespace: string
  readonly pod: string
  readonly container: string
}

/** Lines from before that are shown of each container. */
const TAIL = 200
const HUES = 8

/** Logs of several containers as they are written, each in its colour. */
export function LogsView({ sources }: { readonly sources: readonly LogSource[] }) {
  const cluster = useCluster()
  const lines = useRef<LogLine[]>([])
  const version = useSignal(0)
  const wanted = useSignal('')
  const isHeld = useSignal(false)
  const box = useRef<HTMLElement>(null)
  const names = sources.map(({ namespace, pod, container }) => `${namespace}/${pod}/${container}`).join()
  // The names are the sources: their list is another one with each change of a pod.
  useEffect(() => {
    const left = new AbortController()
    let id = 0
    let isTold = false
    lines.current = []
    const add = (source: number, text: string) => {
      lines.current.push({ id: id++, source, text: readableLine(text) })
      if (lines.current.length > MOST_LINES * 1.2) lines.current.splice(0, lines.current.length - MOST_LINES)
      if (isTold) return
      isTold = true
      requestAnimationFrame(() => {
        isTold = false
        version.value++
      })
    }
    const follow = async ({ namespace, pod, container }: LogSource, index: number) => {
      const query = `follow=true&tailLines=${TAIL}&container=${encodeURIComponent(container)}`
      const path = `/api/v1/namespaces/${namespace}/pods/${encodeURIComponent(pod)}/log?${query}`
      try {
        for await (const line of linesOf(cluster.live.follow(path, '*/*', left.signal))) add(index, line)
        add(index, '— the log has ended —')
      } catch (error) {
        if (!left.signal.aborted) add(index, `— ${sentenceOf(error)} —`)
      }
    }
    sources.forEach((source, index) => void follow(source, index))
    return () => left.abort(new Error('nobody reads it any more'))
  }, [cluster, names])
  useEffect(() => {
    if (!isHeld.value && box.current) box.current.scrollTop = box.current.scrollHeight
  }, [version.value, isHeld.value])
  const text = wanted.value.toLowerCase()
  const shown = lines.current.filter((line) => text === '' || line.text.toLowerCase().includes(text)).slice(-1_500)
  return (
    <section aria-label="Logs" class="logs">
      <div class="tools">
        <input
          {...{ id: 'filter', type: 'search', placeholder: 'Search (/)', 'aria-label': 'Search in logs', autocomplete: 'off' }}
          value={wanted}
          onInput={(event) => (wanted.value = event.currentTarget.value)}
        />
        <label>
          <input type="checkbox" checked={isHeld} onChange={(event) => (isHeld.value = event.currentTarget.checked)} /> stay where I am
        </label>
        <span class="count">{`${shown.length} lines, ${sources.length} containers`}</span>
      </div>
      <section class="log" ref={box} tabIndex={0} aria-label="Log lines">
        {shown.map((line) => (
          <div key={line.id}>
            {sources.length > 1 && <span class={`hue-${line.source % HUES}`}>{`${sources[line.source]?.pod} `}</span>}
            {line.text}
          </div>
        ))}
      </section>
    </section>
  )
}
