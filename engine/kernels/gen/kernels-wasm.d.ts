/** The kernels' WebAssembly module in base64. `build.mjs` writes the JavaScript beside this file. */
export declare const kernelsWasmBase64: string;
