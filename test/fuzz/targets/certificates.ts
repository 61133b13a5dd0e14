import { createKeyAndRequest, readRequest } from '../../../shared/certificates/certificate-request.ts'
import { decodePem, encodePem } from '../../../shared/certificates/pem.ts'
import { readCertificate } from '../../../shared/certificates/read-certificate.ts'
import type { FuzzTarget } from '../fuzz-target.ts'

const { request } = await createKeyAndRequest(
  { commonName: 'system:node:a', organizations: ['system:nodes'] },
  { dnsNames: ['a.example.com'], ipAddresses: ['10.0.0.1'] },
)

/** Certificates and requests for them, as DER: read, or refused with an error that says so. */
const target: FuzzTarget = {
  seeds: [decodePem('CERTIFICATE REQUEST', request)[0]!],
  words: ['30820000', '3080', '0603550403', '0c', '13', '1e', '170d', '180f', 'a003', '0500', '02010a', '0482', '3084ffffffff'].map((hex) =>
    Buffer.from(hex, 'hex'),
  ),
  async run(input) {
    let refusals = 0
    for (const read of [() => readRequest(encodePem('CERTIFICATE REQUEST', input)), () => readCertificate(input)]) {
      try {
        await read()
      } catch (error) {
        if (!isRefusal(error)) throw error
        refusals++
      }
    }
    if (refusals === 2) throw new Error('refused')
  },
  isExpected: (error) => error instanceof Error && error.message === 'refused',
}
export default target

function isRefusal(error: unknown): boolean {
  return error instanceof Error && !/call stack|undefined|is not a function|is not iterable/.test(error.message)
}
