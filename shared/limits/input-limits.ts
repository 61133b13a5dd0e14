/**
 * How much of anything a stranger may send. One table for every reader of outside bytes, so that no two disagree and a test can feed
 * each of them one too many. Whoever meets a bound answers 4xx and names it, before any work that grows faster than the input.
 */
export const inputLimits = {
  /** Bytes of a request's body, as upstream's `MaxRequestBodyBytes`. */
  bodyBytes: 3 * 1024 * 1024,
  /** Seconds that a body may take to begin coming at its pace. */
  bodyGraceSeconds: 5,
  /** Bytes a second that a body must come with after that. */
  bodyBytesPerSecond: 4 * 1024,
  /** Seconds after which a body must be there. */
  bodySeconds: 60,
  /** Bytes of one stored object, as etcd's default request limit, which upstream's users live with. */
  objectBytes: 1.5 * 1024 * 1024,
  /** Bytes of a request's path. The longest real one (a proxy sub-resource) is far below. */
  pathBytes: 8 * 1024,
  /** Bytes of a request's query: label selectors of controllers are the long ones. */
  queryBytes: 256 * 1024,
  /** Bytes of the URL and all headers together; Go's default. */
  headerBytes: 1024 * 1024,
  /** Seconds that a TLS handshake may take, and the head of a request. */
  headSeconds: 30,
  /** Connections to a kubelet of those who have not shown a certificate that opens it: the API server's are that for as long as a handshake takes. */
  strangerConnections: 512,
  /** Bytes that such a connection may bring: enough for a request that is answered 401. */
  strangerBytes: 16 * 1024,
  /** Characters of one header that is read for what it says (Accept, Content-Type); those of browsers have 200. */
  headerCharacters: 8 * 1024,
  /** Characters of a text in a log line; what is longer is cut, and says so. */
  logCharacters: 2_000,
  /** Bytes of a body in YAML, which costs ten times what JSON does: people write it, and people do not write more. */
  yamlBytes: 1024 * 1024,
  /** Objects in arrays in objects…: upstream's JSON and YAML readers stop at 10,000, but nothing real passes 100. */
  depth: 250,
  /** Nodes that the aliases of one YAML document may add together. */
  yamlAliasedNodes: 10_000,
  /** Values (numbers, texts, lists, objects) in one document. */
  values: 250_000,
  /** Items of one list of an object; each may be three bytes long, and is filled in, defaulted and checked. */
  listItems: 10_000,
  /** Operations in one JSON patch, as upstream's `MaxJSONPatchOperations`. */
  patchOperations: 10_000,
  /** Bytes that the copies and moves of one JSON patch may add together, as upstream's `JSONPatchMaxCopyBytes`. */
  patchCopiedBytes: 3 * 1024 * 1024,
  /** Elements that one JSON patch may push along in lists by adding and removing in front of them; each costs up to 0.5 ns. */
  patchShiftedElements: 50_000_000,
  /** Characters of a resource quantity: every number that fits in one is shorter. */
  quantityCharacters: 64,
  /** Characters of a label or field selector in a query. */
  selectorCharacters: 128 * 1024,
  /** Characters of a token in an Authorization header, a sub-protocol or a TokenReview. */
  tokenCharacters: 16 * 1024,
  /** Addresses of one node: each may keep another node from having it. */
  nodeAddresses: 32,
  /** Conditions of one node; upstream's have a dozen with every add-on. */
  nodeConditions: 100,
  /** Kinds of resources in a node's capacity. */
  nodeResources: 200,
  /** Images that a node reports; kubelets report the largest fifty. */
  nodeImages: 500,
  /** Names of one image in a node's status. */
  nodeImageNames: 50,
  /** Characters of one text in a node's status: messages of conditions are the long ones. */
  nodeTextCharacters: 32 * 1024,
  /** Bytes of a node's usage in Prometheus' text; one with 110 pods of three containers has 200,000. */
  nodeMetricsBytes: 4 * 1024 * 1024,
  /** Bytes of a certificate request; one with an RSA key of 8192 bits and a hundred names has 6,000. */
  certificateRequestBytes: 16 * 1024,
  /** Characters of one variable or argument of a program, its references replaced; Linux takes 128 KiB of bytes (`MAX_ARG_STRLEN`). */
  programTextCharacters: 128 * 1024,
  /** Characters of all variables, or all arguments, of one program; Linux takes 6 MiB of bytes of both together (`execve(2)`). */
  programCharacters: 6 * 1024 * 1024,
  /** Entries of `managedFields` that a client may speak of; what is longer counts as what cannot be read. Objects have a dozen. */
  owners: 1_000,
  /** Problems told in one Invalid answer, and sentences about unknown and doubled fields; who mends these hears of the next ones. */
  problems: 100,
  /** Characters of a stranger's value that are repeated in a sentence about it. */
  quotedCharacters: 1024,
  /** Characters of the message of one error. */
  messageCharacters: 64 * 1024,
  /** Seconds that are added to a point in time (`…Seconds` fields of 64 bits): three thousand years, so that the sum can be written. */
  seconds: 100_000_000_000,
} as const
