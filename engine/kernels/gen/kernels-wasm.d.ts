/** The kernels' WebAssembly module as hex digits. `build.mjs` writes the JavaScript beside this file. */
export declare const kernelsWasmHex: string;
