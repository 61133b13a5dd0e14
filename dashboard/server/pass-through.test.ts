import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { ConnectionError } from '../../shared/client/connection-error.ts'
import { silentLogger } from '../../shared/logging/logger.ts'
import { refuse } from './pass-through.ts'

for (const { error, code, message } of [
  { error: new ConnectionError('connect ECONNREFUSED'), code: 503, message: 'the API server cannot be reached: connect ECONNREFUSED' },
  { error: new Error('built holds no page'), code: 500, message: "the dashboard's server cannot answer: built holds no page" },
]) {
  test(`${error.name} is answered ${code}: what is wrong here is not said of the API server`, async (t) => {
    const server = createServer((_request, response) => refuse(response, error, silentLogger()))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => server.close())
    const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
    assert.equal(answer.status, code)
    assert.equal(((await answer.json()) as { message: string }).message, message)
  })
}
