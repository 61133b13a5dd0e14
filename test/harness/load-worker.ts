/** A load generator as a process of its own: takes one job over IPC, answers with what it measured. See load.ts. */
import { realClock } from '../../shared/time/clock.ts'
import type { LoadJob, LoadResult } from './load.ts'
import { LoadConnection } from './load-connection.ts'

const clock = realClock()
/** What each event has once: in JSON its end, in protobuf what its object begins with. */
const JSON_MARK = Buffer.from('}\n')
const PROTOBUF_MARK = Buffer.from('k8s\0')

process.once('message', (job: LoadJob) => {
  run(job).then(
    (result) => process.send?.(result, () => process.exit(0)),
    (error: unknown) => {
      console.error(error)
      process.exit(1)
    },
  )
})

async function run(job: LoadJob): Promise<LoadResult> {
  const connections = await Promise.all(Array.from({ length: job.connections }, () => LoadConnection.open(job.target)))
  if (job.kind === 'watch') return watch(job, connections)
  const begin = clock.monotonic()
  const milliseconds = job.kind === 'conflict' ? await conflict(job, connections) : await requests(job, connections)
  const seconds = (clock.monotonic() - begin) / 1000
  for (const connection of connections) connection.close()
  return { count: milliseconds.length, seconds, ...percentiles(milliseconds) }
}

/** `{n}` in path and body becomes the number of the request. */
async function requests(job: LoadJob & { kind: 'requests' }, connections: readonly LoadConnection[]): Promise<number[]> {
  const milliseconds: number[] = []
  let next = job.first
  const end = job.first + job.count
  await Promise.all(
    connections.map(async (connection) => {
      while (next < end) {
        const n = String(next++)
        const start = clock.monotonic()
        const { code, body } = await connection.request(job.method, job.path.replaceAll('{n}', n), job.body.replaceAll('{n}', n))
        if (code >= 300) throw new Error(`${job.method} ${job.path}: ${code} ${body.toString('utf8', 0, 300)}`)
        milliseconds.push(clock.monotonic() - start)
      }
    }),
  )
  return milliseconds
}

/** Every connection reads, changes and writes one ConfigMap `count` times, again after each conflict. */
async function conflict(job: LoadJob & { kind: 'conflict' }, connections: readonly LoadConnection[]): Promise<number[]> {
  const milliseconds: number[] = []
  await Promise.all(
    connections.map(async (connection) => {
      for (let done = 0; done < job.count; done++) {
        const start = clock.monotonic()
        for (;;) {
          const object = JSON.parse((await connection.request('GET', job.path)).body.toString()) as { data: { count: string } }
          object.data.count = String(Number(object.data.count) + 1)
          const { code } = await connection.request('PUT', job.path, JSON.stringify(object))
          if (code === 200) break
          if (code !== 409) throw new Error(`PUT ${job.path}: ${code}`)
        }
        milliseconds.push(clock.monotonic() - start)
      }
    }),
  )
  return milliseconds
}

function countOf(mark: Buffer, bytes: Buffer): number {
  let count = 0
  for (let at = bytes.indexOf(mark); at >= 0; at = bytes.indexOf(mark, at + mark.length)) count++
  return count
}

/** Counts events until `count` have come on every connection. The writer is another process. */
async function watch(job: LoadJob & { kind: 'watch' }, connections: readonly LoadConnection[]): Promise<LoadResult> {
  const wanted = job.count * connections.length
  let frames = 0
  let first = 0
  const mark = job.target.accept ? PROTOBUF_MARK : JSON_MARK
  process.send?.('ready')
  await new Promise<void>((resolve) => {
    for (const connection of connections) {
      let end: Buffer = Buffer.alloc(0)
      connection.stream(job.path, (chunk) => {
        frames += countOf(mark, Buffer.concat([end, chunk.subarray(0, mark.length - 1)])) + countOf(mark, chunk)
        end = chunk.subarray(-(mark.length - 1))
        if (frames > 0 && first === 0) first = clock.monotonic()
        if (frames >= wanted) resolve()
      })
    }
  })
  const seconds = (clock.monotonic() - first) / 1000
  for (const connection of connections) connection.close()
  return { count: frames, seconds, median: 0, slow: 0 }
}

function percentiles(milliseconds: number[]): { median: number; slow: number } {
  const sorted = milliseconds.sort((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
  return { median: at(0.5), slow: at(0.99) }
}
