import { anyChar, type CharSet, charSetOf, negated } from './char-set.ts';
import { codePointsWith } from './unicode-property.ts';

/** General categories: short name, then its aliases (UAX #44). */
const categories = `C=Other Cc=Control=cntrl Cf=Format Cn=Unassigned Co=Private_Use Cs=Surrogate L=Letter LC=Cased_Letter Ll=Lowercase_Letter
  Lm=Modifier_Letter Lo=Other_Letter Lt=Titlecase_Letter Lu=Uppercase_Letter M=Mark=Combining_Mark Mc=Spacing_Mark Me=Enclosing_Mark
  Mn=Nonspacing_Mark N=Number Nd=Decimal_Number=digit Nl=Letter_Number No=Other_Number P=Punctuation=punct Pc=Connector_Punctuation
  Pd=Dash_Punctuation Pe=Close_Punctuation Pf=Final_Punctuation Pi=Initial_Punctuation Po=Other_Punctuation Ps=Open_Punctuation S=Symbol
  Sc=Currency_Symbol Sk=Modifier_Symbol Sm=Math_Symbol So=Other_Symbol Z=Separator Zl=Line_Separator Zp=Paragraph_Separator Zs=Space_Separator`;

/** Scripts of Unicode 15.0, by their long names; short names are not accepted. */
const scripts = `Adlam Ahom Anatolian_Hieroglyphs Arabic Armenian Avestan Balinese Bamum Bassa_Vah Batak Bengali Bhaiksuki Bopomofo Brahmi Braille
  Buginese Buhid Canadian_Aboriginal Carian Caucasian_Albanian Chakma Cham Cherokee Chorasmian Common Coptic Cuneiform Cypriot Cypro_Minoan
  Cyrillic Deseret Devanagari Dives_Akuru Dogra Duployan Egyptian_Hieroglyphs Elbasan Elymaic Ethiopic Georgian Glagolitic Gothic Grantha Greek
  Gujarati Gunjala_Gondi Gurmukhi Han Hangul Hanifi_Rohingya Hanunoo Hatran Hebrew Hiragana Imperial_Aramaic Inherited Inscriptional_Pahlavi
  Inscriptional_Parthian Javanese Kaithi Kannada Katakana Kawi Kayah_Li Kharoshthi Khitan_Small_Script Khmer Khojki Khudawadi Lao Latin Lepcha
  Limbu Linear_A Linear_B Lisu Lycian Lydian Mahajani Makasar Malayalam Mandaic Manichaean Marchen Masaram_Gondi Medefaidrin Meetei_Mayek
  Mende_Kikakui Meroitic_Cursive Meroitic_Hieroglyphs Miao Modi Mongolian Mro Multani Myanmar Nabataean Nag_Mundari Nandinagari New_Tai_Lue
  Newa Nko Nushu Nyiakeng_Puachue_Hmong Ogham Ol_Chiki Old_Hungarian Old_Italic Old_North_Arabian Old_Permic Old_Persian Old_Sogdian
  Old_South_Arabian Old_Turkic Old_Uyghur Oriya Osage Osmanya Pahawh_Hmong Palmyrene Pau_Cin_Hau Phags_Pa Phoenician Psalter_Pahlavi Rejang
  Runic Samaritan Saurashtra Sharada Shavian Siddham SignWriting Sinhala Sogdian Sora_Sompeng Soyombo Sundanese Syloti_Nagri Syriac Tagalog
  Tagbanwa Tai_Le Tai_Tham Tai_Viet Takri Tamil Tangsa Tangut Telugu Thaana Thai Tibetan Tifinagh Tirhuta Toto Ugaritic Vai Vithkuqi Wancho
  Warang_Citi Yezidi Yi Zanabazar_Square`;

let properties: Map<string, string> | undefined;
const sets = new Map<string, CharSet>();

/**
 * The code points of a class named as in `\p{name}`: a general category, an alias of one, a script, `Any`, `ASCII` or `Assigned`. Case, spaces, `_`
 * and `-` do not matter. Undefined for an unknown name.
 */
export function unicodeClass(name: string): CharSet | undefined {
  const key = canonicalName(name);
  if (key === 'any') return anyChar;
  if (key === 'ascii') return [0, 0x80];
  if (key === 'assigned') return negated(unicodeClass('Cn')!);
  properties ??= propertyNames();
  const property = properties.get(key);
  if (property === undefined) return undefined;
  let set = sets.get(property);
  if (set === undefined) {
    set = withSurrogates(property, codePointsWith(property));
    sets.set(property, set);
  }
  return set;
}

function canonicalName(name: string): string {
  return name.replaceAll(/[ _-]/g, '').toLowerCase();
}

/** From canonical names to what JavaScript calls the property. */
function propertyNames(): Map<string, string> {
  const names = new Map<string, string>();
  for (const script of scripts.split(/\s+/)) names.set(canonicalName(script), `Script=${script}`);
  for (const category of categories.split(/\s+/)) {
    const spellings = category.split('=');
    for (const spelling of spellings) names.set(canonicalName(spelling), spellings[0]);
  }
  return names;
}

function withSurrogates(property: string, set: CharSet): CharSet {
  return property === 'C' || property === 'Cs' ? charSetOf([...set, 0xd800, 0xe000]) : set;
}
