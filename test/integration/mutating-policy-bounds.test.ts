import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { startApi, type TestApi } from '../harness/api.ts'
import { applying, mutatingScene, patching } from '../harness/mutating-scene.ts'

let api: TestApi
before(async () => {
  api = await startApi()
})
after(() => api.stop())

describe('mutating admission policies', () => {
  it('cost no more than their budget, in work on the object too, and make nothing beyond bounds', async () => {
    const refusedBy = async (mutations: object) => {
      const { inForce, create } = await mutatingScene(api)
      await inForce('hostile', mutations)
      const answer = await create('a', { text: 'x'.repeat(200_000) })
      assert.equal(answer.status, 403, answer.text.slice(0, 500))
      return String(answer.json['message'])
    }
    const endless = 'Object{data: Object.data{a: string(lists.range(2000).all(a, lists.range(2000).all(b, a >= 0)))}}'
    assert.match(await refusedBy(applying(endless)), /resulted in error: operation cancelled: actual cost limit exceeded$/)
    const many = Array.from({ length: 300 }, (_, index) => `[JSONPatch{op: 'add', path: '/data/k${index}', value: 'x'}]`)
    assert.match(await refusedBy(patching(...many)), /validation failed due to running out of cost budget/)
    const huge = "[JSONPatch{op: 'add', path: '/data', value: lists.range(1000).map(n, object.data.text)}]"
    assert.match(await refusedBy(patching(huge)), /a value may not have more than 3145728 characters as JSON$/)
    const copies = (from: number) =>
      `[${Array.from({ length: 10 }, (_, index) => `JSONPatch{op: 'copy', from: '/data/text', path: '/data/k${from + index}'}`).join()}]`
    assert.match(await refusedBy(patching(copies(0), copies(10))), /the object would have more than 3145728 characters as JSON$/)
  })

  it('tell no more failures than any answer has problems, the first in full', async () => {
    const { inForce, create } = await mutatingScene(api)
    const wrong = `Object{data: object.nope + '${'x'.repeat(2_000)}'}`
    await inForce('failing', applying(...Array.from({ length: 150 }, () => wrong)))
    const { json } = await create('a')
    assert.match(String(json['message']), /x{2000}'}' resulted in error: no such key: nope$/)
    const { causes } = json['details'] as { causes: { message: string }[] }
    assert.equal(causes.length, 100)
    assert.ok(causes.every(({ message }) => message.length < 1_200))
  })

  it('let others have their turn between their mutations', async () => {
    const { inForce, create } = await mutatingScene(api)
    await inForce(
      'many',
      patching(...Array.from({ length: 150 }, (_, index) => `[JSONPatch{op: 'add', path: '/data/k${index}', value: 'x'}]`)),
    )
    // What comes over sockets is looked at between two turns of the event loop.
    let turns = 0
    const count = () => {
      turns++
      waiting = setImmediate(count)
    }
    let waiting = setImmediate(count)
    const turnsOf = async (text: string) => {
      const before = turns
      assert.equal((await create(`m${text.length}`, { text })).status, 201)
      return turns - before
    }
    const short = await turnsOf('x')
    const long = await turnsOf('x'.repeat(200_000))
    clearImmediate(waiting)
    assert.ok(long > short + 5, `${long} turns while a large object was changed, ${short} for a small one`)
  })
})
