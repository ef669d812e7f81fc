// Style sheets are bundled by esbuild; TypeScript only has to know that they can be imported.
declare module "*.css";
