// Saves a file of the service: the browser fetches it by itself, which needs no memory for it; a cookie stands for the token.
export function download(path: string, name: string): void {
  const link = document.createElement("a");
  link.download = name;
  link.href = path;
  link.click();
}
