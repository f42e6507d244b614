// Loaded before the server: what a careless library may do while it runs.
setTimeout(() => {
  // biome-ignore lint/suspicious/noConsole: the noise
  console.log('noise on stdout');
  // biome-ignore lint/suspicious/noConsole: the noise
  console.dir({ noise: true });
  void Promise.reject(new Error('nobody caught this promise'));
  throw new Error('nobody caught this error');
}, 300);
