using Tfic.Cli;

#if TFIC_IMAGESHARP
ImageSharpReader.Register();
#endif
return await TficCommand.RunAsync(args, Terminal.System());
