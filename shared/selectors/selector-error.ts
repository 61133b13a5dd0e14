/** The text or object is no selector; the message is the one upstream's parser gives. The caller decides on the API error. */
export class SelectorError extends Error {
  override readonly name = 'SelectorError'
}
