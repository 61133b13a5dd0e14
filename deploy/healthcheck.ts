/** Container health: exit code 0 when the HTTPS address given answers 200. The name in the certificate is not the question here. */
import { get } from 'node:https'

const [address = 'https://127.0.0.1:6443/readyz'] = process.argv.slice(2)
const request = get(address, { rejectUnauthorized: false, timeout: 2000 }, (response) => {
  response.resume().on('end', () => {
    process.exitCode = response.statusCode === 200 ? 0 : 1
  })
})
request.on('timeout', () => request.destroy(new Error('no answer in 2 s')))
request.on('error', (error) => {
  console.error(error.message)
  process.exitCode = 1
})
