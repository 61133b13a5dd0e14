import assert from 'node:assert/strict'
import { it } from 'node:test'
import { openEtcdStorage } from '../../apiserver/storage/etcd/etcd-storage.ts'
import { type Change, type Storage, StorageConflict, StorageUnavailable } from '../../apiserver/storage/storage.ts'
import { silentLogger } from '../../shared/logging/logger.ts'
import { type Random, seededRandom } from '../../shared/random/random.ts'
import { realClock } from '../../shared/time/clock.ts'
import { Collector, factsOf, put, remove, restampText } from '../contract/storage-driver.ts'
import { type EtcdMember, type PrivateEtcd, privateEtcd } from '../harness/private-etcd.ts'
import { soon } from '../harness/soon.ts'

/** `COXSWAIN_ETCD_KILLS=300` for a night. */
const KILLS = Number(process.env['COXSWAIN_ETCD_KILLS'] ?? 6)
const SEED = Number(process.env['COXSWAIN_CRASH_SEED'] ?? 20_261_129)
const WRITERS = 6
const KEYS = 30
const clock = realClock()

/** What a writer was told: of each write the revision, or that nobody knows. */
interface Told {
  readonly acknowledged: Map<number, string>
  /** Texts of which it was not told whether they were stored. */
  readonly unknown: Set<string>
  readonly refused: Set<string>
}

async function write(storage: Storage<string>, name: string, random: Random, told: Told, isOver: () => boolean): Promise<void> {
  for (let n = 0; !isOver(); n++) {
    const key = `core/pods/a/p${Math.floor(random.fraction() * KEYS)}`
    const base = storage.get(key)
    const expect = base?.revision ?? 0
    const isRemoval = base !== undefined && random.fraction() < 0.2
    const text = `${name}-${n}`
    try {
      const { revision, type } = isRemoval ? await remove(storage, key, { expect }) : await put(storage, key, text, { expect })
      assert.ok(!told.acknowledged.has(revision), `revision ${revision} was acknowledged twice`)
      told.acknowledged.set(revision, `${type} ${key}${isRemoval ? '' : ` ${text}`}`)
    } catch (error) {
      if (error instanceof StorageConflict) told.refused.add(text)
      else if (error instanceof StorageUnavailable) {
        told.unknown.add(text)
        await clock.sleep(20)
      } else throw error
    }
  }
}

/** The member that leads, while there is one. */
async function leaderOf(etcd: PrivateEtcd): Promise<EtcdMember> {
  for (;;) {
    for (const member of etcd.members) {
      const { header, leader } = await etcd.maintain('status', {}, member).catch(() => ({ header: undefined, leader: undefined }))
      if (leader !== undefined && leader !== '0' && (header as { member_id?: unknown } | undefined)?.member_id === leader) return member
    }
    await clock.sleep(20)
  }
}

const shownAs = ({ type, key, entry }: Change<string>) =>
  `${type} ${key}${type === 'delete' ? '' : ` ${entry.value.toString().split('@')[0]}`}`

it(`over ${KILLS} killed members of etcd two servers lose, skip, double and reorder nothing`, { timeout: 240_000 }, async (test) => {
  test.diagnostic(`seed ${SEED} (COXSWAIN_CRASH_SEED repeats it)`)
  const random = seededRandom(SEED)
  const etcd = await privateEtcd({ members: 3 })
  test.after(() => etcd.dispose())
  const open = async (endpoints: readonly string[]) => {
    const options = { endpoints, prefix: '/crash', cluster: 'ours', facts: factsOf, restamp: restampText, clock, logger: silentLogger() }
    const storage = await openEtcdStorage<string>(options)
    test.after(() => storage.close())
    return storage
  }
  const servers = [await open(etcd.endpoints), await open(etcd.endpoints.toReversed())]
  const collectors = servers.map((storage) => new Collector(storage, 0))
  const told: Told = { acknowledged: new Map(), unknown: new Set(), refused: new Set() }
  let isOver = false
  const writers = servers.flatMap((storage, server) =>
    Array.from({ length: WRITERS }, (_, n) => write(storage, `s${server}w${n}`, seededRandom(SEED + server * 100 + n), told, () => isOver)),
  )
  for (let kill = 0; kill < KILLS; kill++) {
    await clock.sleep(100 + random.fraction() * 400)
    const victim = random.fraction() < 0.6 ? await leaderOf(etcd) : etcd.members[Math.floor(random.fraction() * 3)]!
    // Now and then the majority goes, and everybody waits.
    const victims = random.fraction() < 0.3 ? [victim, etcd.members.find((member) => member !== victim)!] : [victim]
    await Promise.all(victims.map((member) => member.kill('SIGKILL')))
    await clock.sleep(random.fraction() * 500)
    for (const member of victims) member.start()
    const before = told.acknowledged.size
    await soon(() => assert.ok(told.acknowledged.size > before + 5, 'writes go on'))
  }
  isOver = true
  await Promise.all(writers)
  await soon(async () => void (await Promise.all(servers.map((storage) => storage.barrier()))))
  const newest = servers[0]!.revision
  for (const collector of collectors) await collector.reached(newest)

  const [one, two] = collectors.map(({ changes }) => changes.map((change) => `${change.revision} ${shownAs(change)}`))
  assert.deepEqual(one, two, 'both saw the same, in the same order')
  assert.deepEqual(
    collectors.map(({ ended }) => ended),
    [undefined, undefined],
  )
  const { changes } = collectors[0]!
  const byRevision = new Map(changes.map((change) => [change.revision, shownAs(change)]))
  assert.equal(byRevision.size, changes.length, 'no revision twice')
  for (const [revision, what] of told.acknowledged) assert.equal(byRevision.get(revision), what, `revision ${revision} was acknowledged`)
  for (const [revision, what] of byRevision) {
    const text = what.split(' ')[2]
    if (told.acknowledged.has(revision) || text === undefined) continue
    assert.ok(told.unknown.has(text), `revision ${revision} (${what}) was neither acknowledged nor said to be unknown`)
  }
  const state = new Map<string, string>()
  for (const { type, key, entry } of changes) {
    if (type === 'put') state.set(key, entry.value.toString())
    else state.delete(key)
  }
  const fresh = await open(etcd.endpoints)
  for (const storage of [...servers, fresh]) {
    assert.deepEqual(new Map(Array.from(storage.entries(''), ({ key, value }) => [key, value.toString()])), new Map([...state].sort()))
  }
  test.diagnostic(
    `${told.acknowledged.size} writes acknowledged, ${told.unknown.size} unknown, ${told.refused.size} conflicts; revision ${newest}`,
  )
  assert.ok(told.acknowledged.size > KILLS * 20 && told.unknown.size > 0 && told.refused.size > 0, 'the kills fell into work of every kind')
})
