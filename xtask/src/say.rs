//! What xtask prints: phases that can be told from the output of the tools in between.

/// A headline: what comes next.
pub(crate) fn phase(title: &str) {
    println!(
        "\n── {title} {}",
        "─".repeat(74_usize.saturating_sub(title.chars().count()))
    );
}

/// One line below a headline.
pub(crate) fn line(text: &str) {
    println!("   {text}");
}
