// What the module exports. Decoding and matching:
export { faultDetail, faultPage } from './fault'
export { footer, footerColumns, footerRows, footerSchemaEnd, footerSchemaStart } from './footer'
export {
  dictionaryBody,
  dictionaryCrc,
  dictionaryEntries,
  dictionaryHasCrc,
  dictionaryPlain,
  dictionaryStored,
  walkDictionary,
  walkedEntries,
  walkedNulls,
  walkedRows,
  walkedScratch,
  walkPages,
} from './page-header'
export { unsnap } from './snappy'
export { compareDictionary, dictionaryOffsets, findInDictionary } from './dictionary'
export { matchBooleans, matchDoubles, matchIds, matchInts, matchPresent } from './match'
export { compareDoubles, compareInts } from './compare'
export {
  decodeBooleans,
  decodeByteArrays,
  decodeDefinitions,
  decodeDoubles,
  decodeIds,
  decodeInts,
  decodeRepetitions,
} from './decode'
export { gatherBooleans, gatherByteArrays, gatherDoubles, gatherIds, gatherInts, keptBytes } from './gather'
export { anyByRepetition, anyChild, expand, starts } from './levels'
export { and, andNot, any, countOnes, indexes, not, or } from './byte-map'
export { findAttributes, matchAttributes } from './attributes'
export { pickSpans } from './pick'
export { timeIntervals } from './metrics'
// Comparisons:
export { addTyped } from './typed'
export { countKeys, listIds, listSlots, numberRecords, sortByKey } from './number'
export { countIds, countRows, joinRuns, keepRows, listedWords, spread, sumRows, takeCells } from './tally'
export { hashDictionary } from './hash'
export { copyTexts, numberedBytes, numberTexts } from './texts'
export { recordTextBytes, topRecordName, writeRecords, writeTexts } from './value-records'
export { addRecordCells, countBuckets, dealRecords, joinRecords } from './join-records'
export { pickCommonest } from './commonest'
// Answers:
export { encodeTables, encodeTraceIds } from './encode'
export { encodeJson, encodeJsonBound } from './encode-json'
export { encodeProtobuf, encodeProtobufBound } from './encode-protobuf'

/** First address behind the module's own data. */
export function heapBase(): usize {
  return __heap_base
}
